"""The command line tool as the package brings it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import StartHost

SCRIPT = Path(sys.executable).with_name("vas-frames")


@pytest.mark.parametrize("command", [[str(SCRIPT)], [sys.executable, "-m", "vas_frames"]])
def test_o1_the_tool_comes_with_the_package(command: list[str], start_host: StartHost) -> None:
    host = start_host()
    host.publish()
    base = ["--base-dir", str(host.base_dir)]

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [*command, *base, *arguments], check=False, capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    assert run("health", "gate") == (0, "live\n")
    assert run("health", "nobody") == (3, "absent\n")
    code, listed = run("--json", "list")
    assert code == 0
    assert json.loads(listed)["cameras"][0]["camera"] == "gate"
    code, said = run("plan")
    assert code == 2
    assert "--cameras" in said


def test_o1_an_interrupt_ends_the_tool_that_watches(start_host: StartHost) -> None:
    host = start_host()
    tool = subprocess.Popen(
        [sys.executable, "-m", "vas_frames", "--base-dir", str(host.base_dir), "list", "--watch"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert tool.stdout
    assert tool.stdout.readline().startswith("CAMERA")
    tool.send_signal(signal.SIGINT)
    assert tool.wait(10) == -signal.SIGINT
    tool.stdout.close()
