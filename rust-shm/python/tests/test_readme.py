"""The examples of the README run as they stand; only the folder of the cameras differs."""

import importlib.util
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import StartHost

README = Path(__file__).resolve().parents[1] / "README.md"
ALL = dict(re.findall(r"<!-- example: (\w+) -->\n```python\n(.*?)```", README.read_text(), re.DOTALL))

# PyTorch is larger than everything else together: its example runs where it is installed.
EXAMPLES = {
    name: code for name, code in ALL.items() if name != "pytorch" or importlib.util.find_spec("torch")
}


def test_g11_every_example_has_a_name() -> None:
    assert len(ALL) == README.read_text().count("```python")


@pytest.mark.parametrize("name", EXAMPLES)
def test_g11_examples_run(start_host: StartHost, tmp_path: Path, name: str) -> None:
    host = start_host(camera="entrance", fps=25)
    if name in ("numpy", "detector"):
        # These run until the camera is closed.
        threading.Timer(3, host.close).start()
    elif name == "out":
        threading.Timer(1, host.stop).start()
    code = EXAMPLES[name].replace('open("entrance"', f'open("entrance", base_dir="{host.base_dir}"')
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    if name == "opencv":
        assert (tmp_path / "entrance.png").stat().st_size > 0
    elif name != "detector":
        assert done.stdout
