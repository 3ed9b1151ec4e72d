"""Reading into `out` needs no memory for a picture, neither Python's nor that of the native module."""

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from conftest import StartHost

import vas_frames

HERE = Path(__file__).resolve().parent
SIZE = "640x360"
FRAMES = 40
# What Python needs for a frame that has no memory of its own.
BYTES_OF_A_FRAME = 4096

# Prints how many large allocations there were while frames were read.
READ = f"""
import ctypes, sys
import numpy as np
import vas_frames

counted = ctypes.CDLL(None).large_allocations
counted.restype = ctypes.c_ulong
path, call, is_reused = sys.argv[1], sys.argv[2], sys.argv[3] == "out"
with vas_frames.open(path=path) as camera:
    take = getattr(camera, call)
    out = np.empty(camera.geometry.frame_bytes, np.uint8) if is_reused else None
    for turn in range({FRAMES + 5}):
        if turn == 5:
            before = counted()
        assert take(30, out=out) is not None
    print(counted() - before)
"""


@pytest.fixture(scope="module")
def preload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("preload") / "large_allocations.so"
    source = HERE / "large_allocations.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def allocations(preload: Path, path: Path, *arguments: str) -> int:
    command = [sys.executable, "-P", "-c", READ, str(path), *arguments]
    environment = {**os.environ, "LD_PRELOAD": str(preload)}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=120, env=environment, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("call", ["read", "latest"])
def test_r1_reading_into_out_allocates_no_picture(start_host: StartHost, preload: Path, call: str) -> None:
    host = start_host(SIZE, fps=200)
    assert allocations(preload, host.path, call, "out") == 0
    # It counts: each frame of its own is one.
    assert allocations(preload, host.path, call, "own") >= FRAMES


@pytest.mark.parametrize("call", ["read", "latest"])
def test_r1_reading_into_out_allocates_nothing_that_grows(start_host: StartHost, call: str) -> None:
    host = start_host(SIZE)
    with vas_frames.open(path=host.path) as camera:
        out = np.empty(camera.geometry.frame_bytes, np.uint8)
        take = camera.read if call == "read" else camera.latest
        host.publish()
        assert take(0, out=out) is not None
        tracemalloc.start()
        try:
            for _ in range(FRAMES):
                host.publish()
                tracemalloc.reset_peak()
                before, _ = tracemalloc.get_traced_memory()
                assert take(0, out=out) is not None
                _, peak = tracemalloc.get_traced_memory()
                assert peak - before < BYTES_OF_A_FRAME
        finally:
            tracemalloc.stop()
