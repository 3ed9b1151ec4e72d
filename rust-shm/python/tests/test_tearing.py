"""Readers that race with a writer at full speed."""

import time

from conftest import StartHost
from tear_hunt import hunt

SIZE = "640x360"
LIMIT_S = 30


def test_p2_4_accepts_no_torn_frame_of_a_writer_at_full_speed(start_host: StartHost) -> None:
    host = start_host(SIZE, slots=3, fps=100_000)
    until = time.monotonic() + LIMIT_S
    while True:
        counts = hunt(str(host.path), 2, is_validated=True)
        assert counts["tornAccepted"] == 0
        assert counts["accepted"] > 0
        # The race did take place.
        if counts["tornRefused"] > 0:
            return
        assert time.monotonic() < until, counts


def test_finds_torn_frames_where_nothing_is_validated(start_host: StartHost) -> None:
    host = start_host(SIZE, slots=3, fps=100_000)
    until = time.monotonic() + LIMIT_S
    while hunt(str(host.path), 2, is_validated=False)["tornAccepted"] == 0:
        assert time.monotonic() < until
