"""A slow reader in model time: a host that publishes at a steady pace, and looks that take as long as they are told."""

from dataclasses import dataclass
from typing import Literal

from conftest import Host

import vas_frames

Call = Literal["look", "latest", "read"]

INTERVAL = 1000
"""Time is counted in thousandths of the interval between two frames."""


@dataclass
class Told:
    delivered: int = 0
    missed: int = 0
    last: int = 0
    looks_in_one_call: int = 0


class Clock:
    """A host that has published every frame whose time has come."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._published = 0
        self.now = 0

    def advance(self, time: int) -> None:
        self.now += time
        due = self.now // INTERVAL - self._published
        if due > 0:
            self._host.publish(due)
            self._published += due

    def wait_for_the_next(self) -> None:
        self.advance(INTERVAL - self.now % INTERVAL)


def read_slowly(host: Host, call: Call, work: int, run: int) -> Told:
    """Reads for the time `run`. The work on a frame takes place within a look, and after a copy."""
    with vas_frames.open(path=host.path) as camera:
        camera.latest(0)
        clock = Clock(host)
        told = Told()
        looks = 0

        def look(view: vas_frames.View) -> tuple[int, int]:
            nonlocal looks
            looks += 1
            clock.advance(work)
            return view.id, view.missed

        while clock.now < run:
            looks = 0
            if call == "look":
                seen = camera.look(look, 0)
            else:
                frame = camera.latest(0) if call == "latest" else camera.read(0)
                seen = None if frame is None else (frame.id, frame.missed)
                looks = 0 if frame is None else 1
                clock.advance(work * looks)
            told.looks_in_one_call = max(told.looks_in_one_call, looks)
            if seen is not None:
                told.delivered += 1
                told.last, missed = seen
                told.missed += missed
            elif looks == 0:
                clock.wait_for_the_next()
        return told
