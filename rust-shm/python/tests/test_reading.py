"""Reading frames: which ones, what they say, and whose memory they are in."""

import os
import pwd
import time
import tracemalloc

import numpy as np
import pytest
from conftest import StartHost
from numpy.typing import NDArray

import vas_frames


def test_r1_reads_the_newest_frame_and_each_at_most_once(start_host: StartHost) -> None:
    host = start_host()
    with vas_frames.open("gate", base_dir=host.base_dir) as camera:
        assert camera.latest(0) is None
        host.publish(3)
        frame = camera.latest(0)
        assert frame is not None
        assert (frame.id, frame.width, frame.height, frame.stride) == (3, 64, 48, 64)
        assert camera.latest(0) is None
        host.publish()
        frame = camera.latest(0)
        assert frame is not None
        assert (frame.id, frame.missed) == (4, 0)


def test_p2_17_a_wait_ends_with_the_frame(start_host: StartHost) -> None:
    host = start_host(fps=20)
    with vas_frames.open(path=host.path) as camera:
        for _ in range(3):
            began = time.monotonic()
            frame = camera.latest(10)
            assert frame is not None
            assert frame.age < 5
            assert time.monotonic() - began < 5


def test_p2_17_a_wait_in_vain_ends_in_time(start_host: StartHost) -> None:
    host = start_host()
    with vas_frames.open(path=host.path) as camera:
        began = time.monotonic()
        assert camera.read(0.2) is None
        assert not camera.wait(0.1)
        assert 0.3 <= time.monotonic() - began < 5
        for bad in (-1.0, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="time limit"):
                camera.latest(bad)


def test_r1_reads_in_order_and_counts_exactly_what_was_missed(start_host: StartHost) -> None:
    host = start_host(slots=4)
    with vas_frames.open(path=host.path) as camera:
        seen: list[tuple[int, int]] = []
        for count in (2, 3, 1, 9):
            host.publish(count)
            while (frame := camera.read(0)) is not None:
                seen.append((frame.id, frame.missed))
        ids = [id for id, _ in seen]
        assert ids == sorted(set(ids))
        assert [id for id, _ in seen[:6]] == [1, 2, 3, 4, 5, 6]
        # Of the last nine, 7 to 15, four slots hold four.
        assert seen[6:] == [(12, 5), (13, 0), (14, 0), (15, 0)]


def test_r1_a_frame_says_what_it_is(start_host: StartHost) -> None:
    host = start_host()
    before = time.monotonic_ns(), time.time_ns()
    host.publish(2)
    with vas_frames.open(path=host.path) as camera:
        frame = camera.latest(0)
        assert frame is not None
        assert frame.pts_ns == 2 * 40_000_000
        assert before[0] <= frame.timestamp_ns <= time.monotonic_ns()
        assert before[1] <= frame.wall_clock_ns <= time.time_ns()
        assert frame.verify() is True
        frame.nv12[100] ^= 1
        assert frame.verify() is False
        geometry = camera.geometry
        assert (frame.epoch, frame.generation) == (geometry.epoch, geometry.generation)
        assert (geometry.slot_count, geometry.frame_bytes) == (4, 64 * 48 * 3 // 2)
        assert repr(frame) == f"<Frame 2, 64x48, missed {frame.missed}>"


@pytest.mark.parametrize("stride", [64, 80, 81])
def test_r1_planes_are_views_with_the_strides_of_the_picture(start_host: StartHost, stride: int) -> None:
    host = start_host(stride=stride)
    host.publish()
    with vas_frames.open(path=host.path) as camera:
        frame = camera.latest(0)
    assert frame is not None
    assert (frame.y.shape, frame.y.strides) == ((48, 64), (stride, 1))
    assert (frame.uv.shape, frame.uv.strides) == ((24, 32, 2), (stride, 2, 1))
    assert np.shares_memory(frame.y, frame.nv12)
    assert np.shares_memory(frame.uv, frame.nv12)
    flat = frame.nv12.tobytes()
    for row in range(48):
        assert frame.y[row].tobytes() == flat[row * stride :][:64]
    for row in range(24):
        assert frame.uv[row].tobytes() == flat[(48 + row) * stride :][:64]


def test_r1_a_frame_stays_what_it_is(start_host: StartHost) -> None:
    host = start_host(slots=3)
    host.publish()
    with vas_frames.open(path=host.path) as camera:
        frame = camera.latest(0)
        assert frame is not None
        before = frame.nv12.tobytes()
        host.publish(10)
        camera.latest(0)
    host.close()
    assert frame.nv12.tobytes() == before
    assert frame.y[0, 4] == 1


def test_r1_out_is_where_the_frame_is_then_and_nothing_is_allocated(start_host: StartHost) -> None:
    host = start_host("640x360", slots=3)
    with vas_frames.open(path=host.path) as camera:
        out = np.empty(camera.geometry.frame_bytes, np.uint8)
        host.publish()
        camera.latest(0, out=out)
        tracemalloc.start()
        try:
            for _ in range(20):
                host.publish()
                frame = camera.read(0, out=out)
                assert frame is not None
                assert np.shares_memory(frame.y, out)
                assert frame.y[0, 4] == frame.id % 256
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < camera.geometry.frame_bytes // 4


def test_r1_out_may_be_any_writable_bytes_with_enough_room(start_host: StartHost) -> None:
    host = start_host()
    with vas_frames.open(path=host.path) as camera:
        size = camera.geometry.frame_bytes
        destinations: list[bytearray | memoryview | NDArray[np.uint8]] = [
            bytearray(size),
            memoryview(bytearray(size + 5)),
            np.empty((72, 64), np.uint8),
        ]
        for out in destinations:
            host.publish()
            frame = camera.latest(0, out=out)
            assert frame is not None
            assert frame.nv12.size == size
            assert np.shares_memory(frame.nv12, np.frombuffer(out, np.uint8))
        host.publish()
        with pytest.raises(vas_frames.FrameError) as error:
            camera.latest(0, out=bytearray(size - 1))
        assert error.value.code == "DESTINATION_TOO_SMALL"
        with pytest.raises(ValueError, match="contiguous"):
            camera.latest(0, out=np.empty((size, 2), np.uint8)[:, 0])
        for wrong in (bytes(size), np.empty(size, np.float32)):
            with pytest.raises((ValueError, BufferError)):
                camera.latest(0, out=wrong)  # type: ignore[arg-type]
        # None of them has taken the frame.
        assert camera.latest(0) is not None


def test_r1_dlpack_works_through_numpy(start_host: StartHost) -> None:
    host = start_host(stride=80)
    host.publish()
    with vas_frames.open(path=host.path) as camera:
        frame = camera.latest(0)
        assert frame is not None
        shared = np.from_dlpack(frame.uv)
        assert np.shares_memory(shared, frame.uv)
        assert shared.strides == frame.uv.strides
        host.publish()
        # A view is read-only, which DLPack can say from version 1 on.
        is_same = camera.look(lambda view: bool((np.from_dlpack(view.y.copy()) == view.y).all()), 0)
        assert is_same


def test_p2_18_errors_have_the_codes_of_all_languages(start_host: StartHost) -> None:
    host = start_host()
    for id, code in (
        ("../gate", "BAD_CAMERA_ID"),
        (".gate", "BAD_CAMERA_ID"),
        ("yard", "SOURCE_NOT_FOUND"),
    ):
        with pytest.raises(vas_frames.FrameError) as error:
            vas_frames.open(id, base_dir=host.base_dir)
        assert error.value.code == code
    (host.base_dir / "odd").mkdir()
    for file in ("frame.meta", "frame.data"):
        (host.base_dir / "odd" / file).write_bytes(b"no ring" * 1000)
    with pytest.raises(vas_frames.FrameError) as error:
        vas_frames.open("odd", base_dir=host.base_dir)
    assert error.value.code == "INCOMPATIBLE_LAYOUT"
    with pytest.raises(TypeError):
        vas_frames.open()
    with pytest.raises(TypeError):
        vas_frames.open("gate", path=host.path)


def test_p2_16_a_reader_insists_on_whose_frames_it_accepts(start_host: StartHost) -> None:
    host = start_host()
    me = os.getuid()
    for owner in (None, me, pwd.getpwuid(me).pw_name, vas_frames.ANYONE):
        vas_frames.open(path=host.path, owner=owner).close()
    with pytest.raises(vas_frames.FrameError, match="insists") as error:
        vas_frames.open(path=host.path, owner=me + 1)
    assert error.value.code == "WRONG_OWNER"
    with pytest.raises(KeyError):
        vas_frames.open(path=host.path, owner="nobody of this name")
    with pytest.raises(ValueError, match="user"):
        vas_frames.open(path=host.path, owner=-2)


def test_r1_open_waits_for_a_camera_that_is_not_there_yet(start_host: StartHost) -> None:
    import threading

    first = start_host()
    timer = threading.Timer(0.3, lambda: start_host(camera="yard"))
    timer.start()
    try:
        with vas_frames.open("yard", base_dir=first.base_dir, wait=20) as camera:
            assert camera.path == str(first.base_dir / "yard")
    finally:
        timer.join()
    began = time.monotonic()
    with pytest.raises(vas_frames.FrameError):
        vas_frames.open("nowhere", base_dir=first.base_dir, wait=0.2)
    assert 0.2 <= time.monotonic() - began < 5


def test_r1_iterating_gives_the_newest_frame_each_time(start_host: StartHost) -> None:
    host = start_host(slots=3)
    host.publish()
    seen: list[tuple[int, int]] = []
    with vas_frames.open(path=host.path) as camera:
        for frame in camera:
            seen.append((frame.id, frame.missed))
            if len(seen) == 4:
                camera.close()
            else:
                host.publish(5)
        assert [id for id, _ in seen] == [1, 6, 11, 16]
        assert [missed for _, missed in seen[1:]] == [4, 4, 4]
        assert camera.is_closed
    with pytest.raises(vas_frames.FrameError) as error:
        camera.latest(0)
    assert error.value.code == "CLOSED"


def test_r1_iterating_in_vain_ends_with_a_timeout(start_host: StartHost) -> None:
    host = start_host()
    with vas_frames.open(path=host.path, timeout=0.2) as camera:
        with pytest.raises(vas_frames.FrameTimeout, match="idle") as error:
            next(iter(camera))
        assert error.value.code == "TIMEOUT"
        assert isinstance(error.value, TimeoutError)
