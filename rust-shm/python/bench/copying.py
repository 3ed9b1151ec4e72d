"""What copying a frame into `out` costs, as a ratio to `memcpy` of the same bytes out of a mapping of the same kind.

    copying.py <host> [--json]

`host` is the example of vas-frame-drain. Both are measured in turns in one run; `npm run bench` does so.
"""

import ctypes
import json
import mmap
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import vas_frames

SIZE = (1920, 1080)
SLOTS = 4
ROUNDS = 600
# The first rounds touch the pages.
UNCOUNTED = 20
GOAL = 1.05


class Host:
    """The process of a video server with one camera."""

    def __init__(self, binary: str, base_dir: str, camera: str) -> None:
        size = "x".join(map(str, SIZE))
        command = [binary, base_dir, camera, size, "--slots", str(SLOTS)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.path = Path(self._answer())

    def publish(self) -> int:
        assert self.process.stdin
        print("publish 1", file=self.process.stdin, flush=True)
        return int(self._answer())

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)

    def _answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


def mapped(host: Host) -> NDArray[np.uint8]:
    """The pictures of all slots, mapped as readers map them."""
    with (host.path / "frame.data").open("rb") as data:
        return np.frombuffer(mmap.mmap(data.fileno(), 0, prot=mmap.PROT_READ), np.uint8)


def timed(work: Callable[[], object]) -> int:
    began = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - began


def measure(host: Host, plain_host: Host) -> tuple[list[int], list[int]]:
    """Nanoseconds of each copy, and of the `memcpy` beside it."""
    memcpy = ctypes.CDLL(None).memcpy
    memcpy.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    ring, plain, copied = mapped(host), mapped(plain_host), mapped(plain_host)
    copies: list[int] = []
    plain_copies: list[int] = []
    with vas_frames.open(path=host.path) as camera:
        length = camera.geometry.frame_bytes
        stride = len(ring) // SLOTS
        out = np.full(length, 7, np.uint8)
        into, start = out.ctypes.data, copied.ctypes.data
        for turn in range(ROUNDS + UNCOUNTED):
            host.publish()
            offset = plain_host.publish() % SLOTS * stride
            took = [0, 0]
            # The order of the two changes from round to round, and both begin with a warm source.
            for half in (turn % 2, 1 - turn % 2):
                int((plain if half else ring)[offset : offset + length : 64].sum())
                if half:
                    took[1] = timed(partial(memcpy, into, start + offset, length))
                else:
                    took[0] = timed(partial(camera.read, 0, out=out))
            if turn >= UNCOUNTED:
                copies.append(took[0])
                plain_copies.append(took[1])
    return copies, plain_copies


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="vas-bench-", dir="/dev/shm") as base_dir:
        hosts = [Host(sys.argv[1], base_dir, camera) for camera in ("ring", "plain")]
        try:
            copies, plain_copies = measure(hosts[0], hosts[1])
        finally:
            for host in hosts:
                host.close()
    # Pair by pair, which the machine's other work hits alike.
    median = statistics.median(copy / plain for copy, plain in zip(copies, plain_copies, strict=True))
    p99 = statistics.quantiles(copies, n=100)[98] / statistics.quantiles(plain_copies, n=100)[98]
    if "--json" in sys.argv:
        row = {"reader": "python", "width": SIZE[0], "height": SIZE[1]}
        memcpy_ns = int(statistics.median(plain_copies))
        ratios = {"copy_median": round(median, 3), "copy_p99": round(p99, 3)}
        print(json.dumps({**row, "memcpy_ns": memcpy_ns, **ratios}))
        return
    verdict = "met" if median <= GOAL else "MISSED"
    print(f"Python, copy / memcpy   median      p99            goal: median at most {GOAL}")
    print(f"{SIZE[0]:>4}x{SIZE[1]:<4}               {median:>6.3f}   {p99:>6.3f}    {verdict}")


if __name__ == "__main__":
    main()
