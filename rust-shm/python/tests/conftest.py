"""Cameras of their own for the tests: a host process in a base folder that is removed afterwards."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

RUST = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", RUST / "target"))


def pytest_configure() -> None:
    """Makes SIGTERM end the tests as Ctrl-C does, with the removal of what they have made."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


class Host:
    """The process of a video server that exports one camera."""

    def __init__(self, binary: Path, base_dir: Path, camera: str, size: str, **options: float) -> None:
        arguments = [str(binary), str(base_dir), camera, size]
        for name, value in options.items():
            arguments += [f"--{name}", str(value)]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.camera = camera
        self.base_dir = base_dir
        self.path = Path(self._answer())

    def publish(self, count: int = 1) -> int:
        return int(self.ask(f"publish {count}"))

    def picture(self, path: Path) -> int:
        return int(self.ask(f"picture {path}"))

    def reshape(self, size: str) -> None:
        self.ask(f"reshape {size}")

    def ask(self, command: str) -> str:
        assert self.process.stdin
        print(command, file=self.process.stdin, flush=True)
        return self._answer()

    def close(self) -> None:
        """Closes the camera as a host does that stops it."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(10) == 0

    def kill(self) -> None:
        """As `kill -9`."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def _answer(self) -> str:
        assert self.process.stdout
        answer = self.process.stdout.readline().strip()
        assert answer, "the host has ended"
        return answer

    def clean_up(self) -> None:
        with contextlib.suppress(OSError):
            self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                assert pipe
                pipe.close()


class StartHost(Protocol):
    def __call__(self, size: str = "64x48", camera: str = "gate", **options: float) -> Host: ...


@pytest.fixture(scope="session")
def host_binary() -> Path:
    command = ["cargo", "build", "--quiet", "--package", "vas-frame-drain", "--example", "host"]
    subprocess.run(command, cwd=RUST, check=True)
    return TARGET / "debug/examples/host"


@pytest.fixture
def base_dir() -> Iterator[Path]:
    folder = tempfile.mkdtemp(prefix="vas-test-", dir="/dev/shm")
    os.chmod(folder, 0o755)
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def start_host(host_binary: Path, base_dir: Path) -> Iterator[StartHost]:
    hosts: list[Host] = []

    def start(size: str = "64x48", camera: str = "gate", **options: float) -> Host:
        hosts.append(Host(host_binary, base_dir, camera, size, **options))
        return hosts[-1]

    yield start
    for host in hosts:
        host.clean_up()


def eventually(is_so: Callable[[], bool], seconds: float = 20) -> None:
    """Waits until something is so."""
    import time

    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)
