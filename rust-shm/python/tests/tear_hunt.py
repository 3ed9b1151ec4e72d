"""Hunts for torn frames: reads a camera whose frames say in each 64 bytes which frame they are, by copies and in place.

    tear_hunt.py <camera folder> <seconds> [--without-validation]

Prints one JSON object: reads accepted, lapped, torn and accepted, torn and refused.
"""

import json
import sys
import time

import numpy as np

import vas_frames

WORDS_APART = 16
# Long enough for a writer at full speed to come round, so that every second look in place sees a torn picture.
PAUSE_S = 0.002


def is_whole(picture: vas_frames.Frame | vas_frames.View, pause_s: float = 0) -> bool:
    """Whether each block carries the low half of the id; with a pause between the two halves of the picture."""
    words = picture.nv12.view("<u4")[::WORDS_APART]
    upper, lower = np.split(words, [len(words) // 2])
    is_upper_whole = bool((upper == picture.id & 0xFFFF_FFFF).all())
    if pause_s:
        time.sleep(pause_s)
    return is_upper_whole and bool((lower == picture.id & 0xFFFF_FFFF).all())


def hunt(folder: str, seconds: float, is_validated: bool) -> dict[str, int]:
    """Without validation what was seen in place is believed, also where the look says that it was overtaken."""
    counts = {"accepted": 0, "lapped": 0, "tornAccepted": 0, "tornRefused": 0}
    looks: list[bool] = []
    turn = 0

    def look(view: vas_frames.View) -> bool:
        looks.append(is_whole(view, PAUSE_S if turn % 2 else 0))
        return looks[-1]

    with vas_frames.open(path=folder, owner=vas_frames.ANYONE) as camera:
        out = np.empty(camera.geometry.frame_bytes, np.uint8)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            turn += 1
            looks.clear()
            seen = camera.look(look, 0.1)
            if not is_validated:
                counts["accepted"] += sum(looks)
                counts["tornAccepted"] += len(looks) - sum(looks)
                continue
            if seen is not None:
                counts["accepted" if seen else "tornAccepted"] += 1
                looks.pop()
            counts["lapped"] += len(looks)
            counts["tornRefused"] += len(looks) - sum(looks)
            for read in (camera.latest, camera.read):
                frame = read(0.1, out=out)
                if frame is not None:
                    counts["accepted" if is_whole(frame) else "tornAccepted"] += 1
    return counts


if __name__ == "__main__":
    json.dump(hunt(sys.argv[1], float(sys.argv[2]), "--without-validation" not in sys.argv), sys.stdout)
