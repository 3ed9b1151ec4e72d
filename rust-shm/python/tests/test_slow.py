"""Slow readers of a writer at full speed. How much one gets at which length of its work is conformance data."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from conftest import Host, StartHost
from slow_reader import INTERVAL, Call, read_slowly

import vas_frames

SIZE = "640x360"
FULL_SPEED = 100_000
FRAMES = 40
# Far more than a call takes, which may be the processor's doing; a call that starves takes TIME_LIMIT_S.
LONGEST_CALL_S = 5
TIME_LIMIT_S = 30
SLEEP_S = 0.005

Read = Callable[[], tuple[int, int] | None]


def with_call(camera: vas_frames.Camera, call: str) -> Read:
    """How the id of a frame, and how many were missed before it, are got by a call."""
    out = np.empty(camera.geometry.frame_bytes, np.uint8)
    iterator: Iterator[vas_frames.Frame] = iter(camera)
    frames: dict[str, Callable[[], vas_frames.Frame | None]] = {
        "latest": camera.latest,
        "latest, out": lambda: camera.latest(out=out),
        "read": camera.read,
        "read, out": lambda: camera.read(out=out),
        "iteration": lambda: next(iterator),
    }

    def read() -> tuple[int, int] | None:
        frame = frames[call]()
        return None if frame is None else (frame.id, frame.missed)

    return read


def assert_follows(seen: list[tuple[int, int]]) -> None:
    """Each frame is as many after the one before as were missed between them."""
    for (former, _), (id, missed) in itertools.pairwise(seen):
        assert id == former + 1 + missed
    # The writer did not wait for the reader.
    assert sum(missed for _, missed in seen[1:]) > 0


@pytest.mark.parametrize("call", ["latest", "latest, out", "read", "read, out", "iteration"])
def test_p2_19_a_reader_that_sleeps_between_starves_in_no_call(start_host: StartHost, call: str) -> None:
    host = start_host(SIZE, fps=FULL_SPEED)
    with vas_frames.open(path=host.path, timeout=TIME_LIMIT_S) as camera:
        read = with_call(camera, call)
        seen: list[tuple[int, int]] = []
        while len(seen) < FRAMES:
            time.sleep(SLEEP_S)
            began = time.monotonic()
            frame = read()
            assert time.monotonic() - began < LONGEST_CALL_S
            assert frame is not None
            seen.append(frame)
    assert_follows(seen)


def test_p2_19_a_stream_gives_frames_to_a_slow_reader(start_host: StartHost) -> None:
    host = start_host(SIZE, fps=FULL_SPEED)

    async def read() -> list[tuple[int, int]]:
        seen: list[tuple[int, int]] = []
        with vas_frames.open(path=host.path, timeout=TIME_LIMIT_S) as camera:
            began = time.monotonic()
            async for frame in camera.stream():
                assert time.monotonic() - began < LONGEST_CALL_S
                seen.append((frame.id, frame.missed))
                if len(seen) == FRAMES:
                    break
                await asyncio.sleep(SLEEP_S)
                began = time.monotonic()
        return seen

    assert_follows(asyncio.run(read()))


def test_p2_19_a_look_that_is_too_long_ends_after_two_and_one_that_is_short_enough_gets_frames(
    start_host: StartHost,
) -> None:
    host = start_host(SIZE, fps=FULL_SPEED)
    looks = 0

    def look(view: vas_frames.View, seconds: float) -> tuple[int, int]:
        nonlocal looks
        looks += 1
        time.sleep(seconds)
        return view.id, view.missed

    with vas_frames.open(path=host.path, timeout=TIME_LIMIT_S) as camera:
        for _ in range(5):
            looks = 0
            began = time.monotonic()
            # By the thousand frames per second of this writer, some hundred frames.
            assert camera.look(lambda view: look(view, 0.3)) is None
            assert looks == 2
            assert time.monotonic() - began < LONGEST_CALL_S
        seen: list[tuple[int, int]] = []
        until = time.monotonic() + TIME_LIMIT_S
        while len(seen) < FRAMES:
            assert time.monotonic() < until
            time.sleep(SLEEP_S)
            looks = 0
            frame = camera.look(lambda view: look(view, 0))
            assert 1 <= looks <= 2
            if frame is not None:
                seen.append(frame)
    assert_follows(seen)


@pytest.mark.parametrize("call", ["look", "latest", "read"])
def test_p2_19_what_a_slow_reader_got_and_what_it_missed_is_what_was_published(
    start_host: StartHost, call: Call
) -> None:
    host: Host = start_host("2x2")
    for work in range(250, 6 * INTERVAL, 550):
        begins_after = host.publish()
        told = read_slowly(host, call, work, 50 * INTERVAL)
        if told.delivered > 0:
            assert told.delivered + told.missed == told.last - begins_after, f"{call}, {work}: {told}"
