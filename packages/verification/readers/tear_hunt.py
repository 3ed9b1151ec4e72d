"""Hunts for torn frames with the reader that was written from the protocol document alone.

    tear_hunt.py <camera folder> <seconds> [--without-validation]

Prints one JSON object: reads accepted, lapped, torn and accepted, torn and refused.
"""

import json
import sys
import time

from frame_reader import LIVE, FrameReader

BLOCK = 64


class Recorder:
    """The data of a ring; remembers the picture that was copied out of it last, also if it is refused then."""

    def __init__(self, data):
        self.data = data
        self.seen = None

    def __len__(self):
        return len(self.data)

    def __getitem__(self, span):
        self.seen = self.data[span]
        return self.seen


def is_whole(picture, frame_id):
    """Whether each block carries the low half of the id."""
    id_bytes = (frame_id & 0xFFFFFFFF).to_bytes(4, "little")
    return all(picture[at::BLOCK].count(byte) == len(picture) // BLOCK for at, byte in enumerate(id_bytes))


def hunt(folder, seconds, is_validated):
    reader = FrameReader(folder)
    reader.data = recorder = Recorder(reader.data)
    accepted = lapped = torn_accepted = torn_refused = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and reader.state() == LIVE:
        newest = reader.newest()
        for frame_id in (newest, newest - reader.slot_count + 1):
            if frame_id < 1:
                continue
            recorder.seen = None
            picture = reader.read(frame_id)
            if not is_validated:
                picture = recorder.seen
            whole = recorder.seen is None or is_whole(recorder.seen, frame_id)
            if picture is None:
                lapped += 1
                torn_refused += not whole
            elif whole:
                accepted += 1
            else:
                torn_accepted += 1
    return {
        "accepted": accepted,
        "lapped": lapped,
        "tornAccepted": torn_accepted,
        "tornRefused": torn_refused,
    }


if __name__ == "__main__":
    json.dump(hunt(sys.argv[1], float(sys.argv[2]), "--without-validation" not in sys.argv), sys.stdout)
