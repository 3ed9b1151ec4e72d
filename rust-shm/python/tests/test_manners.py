"""What the package must not do: to the files, to the process that imports it, and to people who read its types."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import StartHost

HERE = Path(__file__).resolve().parent


def run(*command: object, cwd: Path = Path("/")) -> str:
    done = subprocess.run(
        [str(part) for part in command], check=False, capture_output=True, text=True, cwd=cwd, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_r1_importing_starts_nothing() -> None:
    run(
        sys.executable,
        "-c",
        # NumPy may bring a linear algebra library that starts threads of its own.
        "import os, sys, threading; import numpy;"
        "threads = os.listdir('/proc/self/task');"
        "import vas_frames;"
        "assert threading.active_count() == 1;"
        "assert os.listdir('/proc/self/task') == threads;"
        "assert 'multiprocessing.resource_tracker' not in sys.modules;"
        "assert 'torch' not in sys.modules and 'cv2' not in sys.modules",
    )


READ = """
import sys, vas_frames
with vas_frames.open(path=sys.argv[1]) as camera:
    for _ in range(3):
        camera.latest(1)
        camera.look(lambda view: view.y.sum(), 1)
        camera.health()
"""


def test_p2_3_reading_opens_nothing_for_writing_and_takes_no_lock(start_host: StartHost) -> None:
    host = start_host(fps=20)
    trace = host.base_dir / "trace"
    run(
        *("strace", "-f", "-o", trace, "-e", "trace=%file,%desc,%network"),
        *(sys.executable, "-c", READ, host.path),
    )
    calls = trace.read_text().splitlines()
    of_camera = [call for call in calls if "frame.meta" in call or "frame.data" in call]
    assert len([call for call in of_camera if "openat" in call]) >= 2
    forbidden = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|unlink|rename|mkdir|chmod|truncate")
    assert [call for call in of_camera if forbidden.search(call)] == []
    assert [call for call in calls if re.search(r"\bflock\(|F_(OFD_)?SETLK|\bsocket\(", call)] == []
    shared = [call for call in calls if "MAP_SHARED" in call and "PROT_WRITE" in call]
    assert shared == []


def test_p2_3_a_reader_cannot_store_into_the_ring(start_host: StartHost) -> None:
    host = start_host()
    host.publish()
    run(
        sys.executable,
        "-c",
        "import sys, vas_frames\n"
        "def look(view):\n"
        "    try: view.y[0, 0] = 1\n"
        "    except ValueError: pass\n"
        "    else: raise SystemExit('stored')\n"
        "    try: view.y.flags.writeable = True\n"
        "    except ValueError: return 'read-only'\n"
        "assert vas_frames.open(path=sys.argv[1]).look(look, 1) == 'read-only'",
        host.path,
    )


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_r1_types_are_complete(checker: str) -> None:
    arguments = {
        "mypy": ["-m", "mypy", "--strict", "--no-error-summary", "vas_frames", "tests", "bench"],
        "pyright": ["-m", "pyright", "--pythonpath", sys.executable],
    }
    run(sys.executable, *arguments[checker], cwd=HERE.parent)
