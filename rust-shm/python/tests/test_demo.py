"""The package at a live demo: the reference host, FFmpeg, and a stream whose colours are known."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import eventually
from test_colours import ffmpeg

import vas_frames

REPOSITORY = Path(__file__).resolve().parents[3]
DEMO = REPOSITORY / "packages/reference-host/dist/demo.js"

WIDTH, HEIGHT, SECONDS = 320, 240, 8
SCALER = ("-sws_flags", "neighbor+full_chroma_int+accurate_rnd")


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    """A recording that says that its colours are those of BT.709."""
    path = tmp_path / "stream.mp4"
    colours = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
    command = [
        *("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate=25"),
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", "-t", str(SECONDS)),
        *("-c:v", "libx264", "-bf", "0", "-g", "25", *colours, "-color_range", "tv", str(path)),
    ]
    subprocess.run(command, check=True)
    return path


@pytest.fixture
def camera_path(stream: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder of the camera of a demo that shows the stream."""
    assert DEMO.exists(), "the demo is not built: npm run build"
    arguments = ["--input", str(stream), "--seconds", str(SECONDS), "--json"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "AI_FRAME_EXPORT_ENABLED": "true"}
    with subprocess.Popen(
        ["node", str(DEMO), *arguments], env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            found: list[str] = []

            def is_there() -> bool:
                assert process.poll() is None, "the demo has ended"
                maps = Path(f"/proc/{process.pid}/maps").read_text()
                found[:] = re.findall(r"(/dev/shm/vas-demo-\S*/camera-1)/frame\.data$", maps, re.MULTILINE)
                return bool(found)

            eventually(is_there, 60)
            yield Path(found[0])
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def test_r1_frames_of_a_live_demo_have_the_colours_of_ffmpegs_picture_of_the_same_frame(
    camera_path: Path, stream: Path, tmp_path: Path
) -> None:
    frames: list[vas_frames.Frame] = []
    with vas_frames.open(path=camera_path, wait=10) as camera:
        for frame in camera:
            frames.append(frame)
            if len(frames) == 10:
                break
        assert camera.geometry.colours.matrix == 1
    # FFmpeg's own pictures, by what the stream itself says of its colours.
    raw = tmp_path / "pictures.rgb"
    ffmpeg("-i", stream, *SCALER, "-pix_fmt", "rgb24", into=raw)
    expected = np.fromfile(raw, np.uint8).reshape(-1, HEIGHT, WIDTH, 3).astype(np.int16)
    assert len(expected) == SECONDS * 25
    for frame in frames:
        differences = np.abs(expected - frame.rgb().astype(np.int16)).max((1, 2, 3))
        assert differences.min() <= 1
        # It is that very frame, and no other one is like it.
        assert (differences <= 1).sum() == 1
    with_other_matrix = frames[0].rgb(matrix="bt601").astype(np.int16)
    assert np.abs(expected - with_other_matrix).max((1, 2, 3)).min() > 1
