"""Decoded frames of live cameras, read from shared memory as NumPy arrays.

    import vas_frames

    with vas_frames.open("entrance", wait=10) as camera:
        for frame in camera:
            print(frame.id, frame.missed, frame.y.mean())

Reading can neither slow down nor disturb the video server, which does not even notice it.
"""

import atexit
import os

from . import _native
from ._camera import ANYONE, DEFAULT_BASE_DIR, Camera, Geometry, Health, Status, open, wait
from ._errors import ErrorCode, FrameError, FrameTimeout
from ._frame import Colours, Frame, View

__all__ = [
    "ANYONE",
    "DEFAULT_BASE_DIR",
    "Camera",
    "Colours",
    "ErrorCode",
    "Frame",
    "FrameError",
    "FrameTimeout",
    "Geometry",
    "Health",
    "Status",
    "View",
    "open",
    "wait",
]

# Threads that copy or wait when the interpreter ends are kept from coming back to it.
atexit.register(_native.end)
os.register_at_fork(after_in_child=_native.begin_in_child)
