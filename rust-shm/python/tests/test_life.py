"""What becomes of a reader when its host changes, crashes or comes back, and when its own process forks."""

import os
import pickle
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Literal

import pytest
from conftest import Host, StartHost, eventually

import vas_frames


def status(camera: vas_frames.Camera) -> str:
    return camera.health().status


def test_p2_6_says_how_the_writer_is(start_host: StartHost) -> None:
    host = start_host()
    with vas_frames.open(path=host.path) as camera:
        health = camera.health()
        assert (health.status, health.frame_age, health.lag) == ("idle", None, 0)
        host.publish(2)
        health = camera.health()
        assert (health.status, health.lag) == ("live", 2)
        assert health.frame_age is not None
        assert health.frame_age < 2
        assert health.heartbeat_age < 2
        host.stop()
        eventually(lambda: status(camera) == "hung")
        host.go_on()
        eventually(lambda: status(camera) in ("live", "idle"))
        host.kill()
        eventually(lambda: status(camera) == "dead")


def test_p2_7_goes_on_with_a_new_size(start_host: StartHost) -> None:
    host = start_host()
    host.publish(2)
    with vas_frames.open(path=host.path) as camera:
        first = camera.latest(0)
        host.reshape("128x96")
        host.publish()
        second = camera.latest(10)
        assert first is not None
        assert second is not None
        assert (second.id, second.missed, second.y.shape) == (3, 0, (96, 128))
        assert second.epoch == first.epoch
        assert second.generation == first.generation + 1
        assert camera.geometry.width == 128
        host.reshape("64x48")
        host.publish()
        with pytest.raises(vas_frames.FrameError):
            camera.latest(10, out=bytearray(5))
        third = camera.latest(10, out=bytearray(camera.geometry.frame_bytes))
        assert third is not None
        assert third.y.shape == (48, 64)


def test_p2_7_a_crash_of_the_host_is_not_the_end_of_the_camera(start_host: StartHost) -> None:
    host = start_host()
    host.publish(5)
    with vas_frames.open(path=host.path, timeout=20) as camera:
        frames = iter(camera)
        first = next(frames)
        host.kill()
        timer = threading.Timer(0.3, lambda: start_host().publish(2))
        timer.start()
        second = next(frames)
        timer.join()
        assert (first.id, second.epoch == first.epoch) == (5, False)
        assert second.id in (1, 2)


def test_p2_6_iterating_ends_when_the_host_closes_the_camera_and_may_begin_again(
    start_host: StartHost,
) -> None:
    host = start_host()
    host.publish()
    with vas_frames.open(path=host.path, timeout=20) as camera:
        timer = threading.Timer(0.2, host.close)
        timer.start()
        assert [frame.id for frame in camera] == [1]
        timer.join()
        assert status(camera) == "ended"
        timer = threading.Timer(0.3, lambda: start_host().publish(1))
        timer.start()
        assert next(iter(camera)).id == 1
        timer.join()


def test_p2_6_iterating_ends_also_if_the_host_closes_the_camera_while_a_frame_is_worked_on(
    start_host: StartHost,
) -> None:
    host = start_host()
    host.publish()
    with vas_frames.open(path=host.path, timeout=20) as camera:
        for frame in camera:
            assert frame.id == 1
            host.close()


def test_r4_a_file_that_is_cut_short_is_no_crash_and_no_frame(start_host: StartHost) -> None:
    for file in ("frame.data", "frame.meta"):
        host = start_host()
        host.publish()
        with vas_frames.open(path=host.path) as camera:
            host.publish()

            def look(view: vas_frames.View, cut: str = file, path: str = str(host.path)) -> int:
                os.truncate(os.path.join(path, cut), 0)
                return int(view.y.sum()) + int(view.uv.sum())

            assert camera.look(look, 0.1) is None
            assert camera.latest(0.1) is None
            assert status(camera) == "damaged"
            host.kill()
            # The next start is found.
            again = start_host()
            again.publish()
            frame = camera.latest(20)
            assert frame is not None
            assert frame.id == 1
            again.kill()


def test_r4_a_ring_that_promises_what_it_does_not_have_ends_no_call_late(
    start_host: StartHost,
) -> None:
    host = start_host()
    host.publish()
    host.stop()
    with open(host.path / "frame.meta", "r+b") as meta:
        meta.seek(56)
        meta.write((1 << 40).to_bytes(8, "little"))
    with vas_frames.open(path=host.path) as camera:
        calls: list[Callable[[float], object]] = [
            camera.latest,
            camera.read,
            lambda limit: camera.look(lambda _: 1, limit),
        ]
        for call in calls:
            began, used = time.monotonic(), time.process_time()
            assert call(0.3) is None
            assert time.monotonic() - began < 5
            assert time.process_time() - used < 0.25


def read_elsewhere(camera: vas_frames.Camera, answers: Connection) -> None:
    frame = camera.latest(20)
    answers.send(None if frame is None else (frame.id, frame.missed))


def test_r1_a_camera_works_in_the_child_of_a_fork(start_host: StartHost) -> None:
    host = start_host()
    host.publish(2)
    with vas_frames.open(path=host.path, timeout=20) as camera:
        assert camera.latest(0) is not None
        answer, child_end = os.pipe()
        child = os.fork()
        if child == 0:
            frame = camera.latest(20)
            os.write(child_end, str(frame and (frame.id, frame.missed)).encode())
            os._exit(0)
        host.publish()
        assert os.read(answer, 100) == b"(3, 0)"
        os.waitpid(child, 0)
        # What the child took is not taken here.
        frame = camera.latest(0)
        assert frame is not None
        assert frame.id == 3
        os.close(answer)
        os.close(child_end)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_r1_a_camera_can_be_handed_to_another_process(
    start_host: StartHost, method: Literal["spawn", "forkserver"]
) -> None:
    host = start_host()
    host.publish(2)
    context: SpawnContext | ForkServerContext
    context = SpawnContext() if method == "spawn" else ForkServerContext()
    with vas_frames.open(path=host.path) as camera:
        answers, child_end = context.Pipe()
        process = context.Process(target=read_elsewhere, args=(camera, child_end))
        process.start()
        assert answers.poll(60)
        assert answers.recv()[0] == 2
        process.join()
        assert process.exitcode == 0


def test_r1_a_frame_can_be_pickled(start_host: StartHost) -> None:
    host = start_host(stride=80)
    host.publish()
    with vas_frames.open(path=host.path) as camera:
        frame = camera.latest(0)
        assert frame is not None
        copy: vas_frames.Frame = pickle.loads(pickle.dumps(frame))
        assert (copy.id, copy.epoch) == (frame.id, frame.epoch)
        assert (copy.uv == frame.uv).all()
    error = vas_frames.FrameError("CLOSED", "it is closed")
    again: vas_frames.FrameError = pickle.loads(pickle.dumps(error))
    assert (again.code, str(again)) == ("CLOSED", "it is closed")


def read_in_turns(hosts: list[Host]) -> None:
    cameras = [vas_frames.open(path=host.path) for host in hosts]
    for turn in range(1, 4):
        for host in hosts:
            host.publish()
        for camera in cameras:
            frame = camera.read(20)
            assert frame is not None
            assert frame.id == turn
    for camera in cameras:
        camera.close()


def test_r1_many_cameras_are_read_by_one_process(start_host: StartHost) -> None:
    read_in_turns([start_host(camera=f"camera-{number}") for number in range(12)])
