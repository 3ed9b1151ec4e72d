"""A picture in Python: what is known of it, and its planes as arrays that share its memory."""

import time
import zlib
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]

Memory: TypeAlias = bytearray | memoryview | Bytes
"""Contiguous and writable bytes, in whatever shape."""

Fields: TypeAlias = tuple[
    int, int, int, int, int | None, int | None, int, int, int, bytes, int
]


class Picture:
    """One NV12 picture and what is known of it.

    `id` counts the frames of a camera from 1; within an `epoch` (one start of the export) no id comes twice.
    `missed` is the number of frames between the one taken before and this one.
    """

    __slots__ = (
        "_bytes",
        "checksum",
        "epoch",
        "generation",
        "height",
        "id",
        "missed",
        "pts_ns",
        "stride",
        "timestamp_ns",
        "wall_clock_ns",
        "width",
    )

    id: int
    missed: int
    timestamp_ns: int
    """When the frame was complete, CLOCK_MONOTONIC (`time.monotonic_ns()`)."""
    wall_clock_ns: int
    """When the frame was complete, CLOCK_REALTIME (`time.time_ns()`)."""
    pts_ns: int | None
    """The time stamp that its source gave the frame; `None` where nobody knows."""
    checksum: int | None
    """CRC-32 of the picture in verify mode, `None` otherwise."""
    width: int
    height: int
    stride: int
    """Bytes from one row to the next, in either plane."""
    epoch: bytes
    generation: int
    """From 1; one more with each change of shape within an epoch."""
    _bytes: Bytes | None

    def __init__(self, fields: Fields, memory: Bytes) -> None:
        (
            self.id,
            self.missed,
            self.timestamp_ns,
            self.wall_clock_ns,
            self.pts_ns,
            self.checksum,
            self.width,
            self.height,
            self.stride,
            self.epoch,
            self.generation,
        ) = fields
        self._bytes = memory

    @property
    def nv12(self) -> Bytes:
        """The whole picture, `stride * height * 3 // 2` bytes: the rows of `y`, then the rows of `uv`."""
        if self._bytes is None:
            raise ValueError("the look at this picture is over")
        return self._bytes

    @property
    def y(self) -> Bytes:
        """Luma, (height, width)."""
        shape = (self.height, self.width)
        return np.ndarray(shape, np.uint8, self.nv12, 0, (self.stride, 1))

    @property
    def uv(self) -> Bytes:
        """Chroma, (height // 2, width // 2, 2): Cb, then Cr."""
        shape = (self.height // 2, self.width // 2, 2)
        offset = self.stride * self.height
        return np.ndarray(shape, np.uint8, self.nv12, offset, (self.stride, 2, 1))

    @property
    def age(self) -> float:
        """Seconds since the frame was complete."""
        return (time.monotonic_ns() - self.timestamp_ns) / 1e9

    def verify(self) -> bool | None:
        """Whether the picture has its checksum; `None` if it has none."""
        if self.checksum is None:
            return None
        return zlib.crc32(self.nv12.data) == self.checksum

    def __repr__(self) -> str:
        size = f"{self.width}x{self.height}"
        return f"<{type(self).__name__} {self.id}, {size}, missed {self.missed}>"


class Frame(Picture):
    """A frame with memory of its own, unless it was read into `out`: then it lasts until the next read into it."""

    __slots__ = ()


class View(Picture):
    """A frame in the ring, in place. It is valid within the function that `Camera.look` calls, and read-only.

    The writer may overwrite it meanwhile; whatever was computed from it is thrown away then.
    """

    __slots__ = ()
