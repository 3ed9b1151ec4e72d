"""Waiting: other threads run meanwhile, and everything that should end a wait does."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import endings
import numpy as np
import pytest
from conftest import StartHost

import vas_frames


class Counter(threading.Thread):
    """Counts, in Python, as long as it is let."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.count = 0
        self.is_over = False

    def run(self) -> None:
        while not self.is_over:
            self.count += 1

    def __enter__(self) -> "Counter":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over = True
        self.join()


def test_r1_other_threads_run_during_a_wait(start_host: StartHost) -> None:
    host = start_host()
    with vas_frames.open(path=host.path) as camera, Counter() as counter:
        before = counter.count
        camera.wait(0.5)
        assert counter.count - before > 10_000


def test_r1_other_threads_run_during_a_copy(start_host: StartHost) -> None:
    # Whoever holds the lock keeps it this long. The other thread has just had its turn when a copy begins, so that
    # it counts on only if it is given the lock; and it may be too late for that on a busy machine.
    turn_s = 0.05
    host = start_host("3840x2160", slots=3)
    interval = sys.getswitchinterval()
    with vas_frames.open(path=host.path) as camera, Counter() as counter:
        out = np.empty(camera.geometry.frame_bytes, np.uint8)
        sys.setswitchinterval(turn_s)
        try:
            for _ in range(40):
                host.publish()
                time.sleep(0)
                before = counter.count
                assert sum(range(20_000)) > 0
                assert counter.count == before, "somebody gave the lock away"
                assert camera.latest(0, out=out) is not None
                if counter.count > before:
                    return
        finally:
            sys.setswitchinterval(interval)
        pytest.fail("the lock was held during every copy")


def test_r1_closing_in_another_thread_ends_a_wait(start_host: StartHost) -> None:
    host = start_host()
    camera = vas_frames.open(path=host.path, timeout=60)
    threading.Timer(0.1, camera.close).start()
    began = time.monotonic()
    assert list(camera) == []
    assert time.monotonic() - began < 10


def test_p2_17_one_wait_serves_many_cameras(start_host: StartHost) -> None:
    hosts = [start_host(camera=f"camera-{number}") for number in range(3)]
    cameras = [vas_frames.open(path=host.path) for host in hosts]
    assert vas_frames.wait(cameras, 0.1) == []
    timer = threading.Timer(0.1, hosts[1].publish)
    timer.start()
    assert vas_frames.wait(cameras, 20) == [cameras[1]]
    timer.join()
    hosts[2].publish()
    assert vas_frames.wait(iter(cameras), 0) == cameras[1:]
    for camera in cameras:
        camera.close()
    with pytest.raises(vas_frames.FrameError):
        vas_frames.wait(cameras, 0)


def script(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/")


def test_r1_an_interrupt_ends_a_wait_at_once(start_host: StartHost) -> None:
    host = start_host()
    process = script(
        """
        import sys, time, vas_frames
        camera = vas_frames.open(path=sys.argv[1])
        print("waiting", flush=True)
        try:
            camera.latest(60)
        except KeyboardInterrupt:
            print(f"interrupted {time.monotonic_ns()}")
        """,
        host.path,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "waiting\n"
        time.sleep(0.2)
        sent = time.monotonic_ns()
        process.send_signal(signal.SIGINT)
        word, at = process.stdout.readline().split()
        assert word == "interrupted"
        assert int(at) - sent < 1_000_000_000
        assert process.wait(10) == 0


def test_r1_an_interpreter_may_end_while_threads_of_it_wait(start_host: StartHost) -> None:
    host = start_host()
    process = script(
        """
        import sys, threading, time, vas_frames
        camera = vas_frames.open(path=sys.argv[1])
        for target in (lambda: camera.latest(60), lambda: next(iter(camera)), lambda: camera.wait(60)):
            threading.Thread(target=target, daemon=True).start()
        time.sleep(0.2)
        print("ending")
        """,
        host.path,
    )
    # Less than the waits; an emulator takes its time to start.
    output, _ = process.communicate(timeout=45)
    assert (process.returncode, output) == (0, "ending\n")


def test_r1_an_interpreter_may_end_at_any_moment_of_the_threads_that_read(start_host: StartHost) -> None:
    host = start_host(fps=1000)
    times = int(os.environ.get("VAS_TEST_ENDINGS", "15"))
    assert [endings.ends_well(str(host.path)) for _ in range(times)] == [None] * times
