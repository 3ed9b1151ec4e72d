"""Prints what it sees of one camera; the container's restart policy starts it again after a camera was closed."""

import os

import vas_frames

with vas_frames.open(os.environ["CAMERA_ID"], wait=60) as camera:
    for frame in camera:
        print(frame.id, frame.missed, round(float(frame.y.mean()), 1), flush=True)
