"""What the numbers of a picture mean, and its form as RGB."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import StartHost
from numpy.typing import NDArray

import vas_frames
from vas_frames._frame import Fields

WIDTH, HEIGHT = 320, 240
SIZE = f"{WIDTH}x{HEIGHT}"

MATRICES = {1: "bt709", 6: "smpte170m", 9: "bt2020"}


def levels(is_full: bool) -> tuple[int, int]:
    """The lowest and the highest level, of luma and of chroma. Above and below them FFmpeg's scaler overflows."""
    return (0, 255) if is_full else (16, 235)


def noise(path: Path, is_full: bool) -> None:
    low, high = levels(is_full)
    size = WIDTH * HEIGHT * 3 // 2
    values = np.random.default_rng(7).integers(low, high, size, dtype=np.uint8, endpoint=True)
    path.write_bytes(values.tobytes())


def every_level(path: Path, is_full: bool) -> None:
    """Each level of luma with many of chroma."""
    low, high = levels(is_full)
    steps = np.arange(WIDTH * HEIGHT * 3 // 2, dtype=np.uint64)
    path.write_bytes((low + steps * 7 // 3 % (high - low + 1)).astype(np.uint8).tobytes())


def scene(path: Path, _: bool) -> None:
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=size={SIZE}", "-frames:v", 1, "-pix_fmt", "nv12", into=path)


def ffmpeg(*arguments: object, into: Path) -> None:
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments), "-f", "rawvideo", str(into)]
    subprocess.run(command, check=True)


def of_ffmpeg(picture: Path, matrix: int, is_full: bool) -> NDArray[np.int16]:
    rgb = picture.with_suffix(".rgb")
    scale = (
        f"scale=in_color_matrix={MATRICES[matrix]}:in_range={'full' if is_full else 'limited'}"
        ":flags=neighbor+full_chroma_int+accurate_rnd"
    )
    source = ("-f", "rawvideo", "-pix_fmt", "nv12", "-s", SIZE, "-i", picture)
    ffmpeg(*source, "-vf", f"{scale},format=rgb24", into=rgb)
    return np.fromfile(rgb, np.uint8).reshape(HEIGHT, WIDTH, 3).astype(np.int16)


@pytest.mark.parametrize("make", [noise, every_level, scene])
@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("matrix", MATRICES)
def test_p2_14_rgb_is_what_ffmpeg_makes_of_the_same_frame(
    start_host: StartHost, tmp_path: Path, matrix: int, is_full: bool, make: Callable[[Path, bool], None]
) -> None:
    picture = tmp_path / "picture.nv12"
    make(picture, is_full)
    expected = of_ffmpeg(picture, matrix, is_full)
    host = start_host(SIZE, matrix=matrix, full=int(is_full))
    host.picture(picture)
    with vas_frames.open(path=host.path) as camera:
        frame = camera.latest(0)
        assert frame is not None
        assert frame.colours.matrix == matrix
        assert frame.colours.range == ("full" if is_full else "limited")
        assert camera.geometry.colours == frame.colours
        rgb = frame.rgb()
        assert rgb.shape == (HEIGHT, WIDTH, 3)
        assert rgb.dtype == np.uint8
        assert np.abs(rgb.astype(np.int16) - expected).max() <= 1


def test_p2_14_refuses_to_guess_and_lets_the_caller_say(start_host: StartHost) -> None:
    host = start_host()
    host.publish()
    with vas_frames.open(path=host.path) as camera:
        frame = camera.latest(0)
    assert frame is not None
    assert frame.colours == vas_frames.Colours(None, None, None, None, None)
    with pytest.raises(vas_frames.FrameError, match="matrix") as error:
        frame.rgb()
    assert error.value.code == "UNKNOWN_COLOURS"
    with pytest.raises(vas_frames.FrameError, match="range"):
        frame.rgb(matrix="bt709")
    with pytest.raises(vas_frames.FrameError, match="matrix 0"):
        frame.rgb(matrix=0, range="full")
    said = frame.rgb(matrix="bt709", range="limited")
    assert (said == frame.rgb(matrix=1, range="limited")).all()
    assert (said != frame.rgb(matrix="bt601", range="limited")).any()
    assert (said != frame.rgb(matrix="bt709", range="full")).any()


def test_p2_14_what_the_caller_says_goes_before_what_the_camera_says(start_host: StartHost) -> None:
    host = start_host(matrix=1, full=0)
    host.publish(9)
    with vas_frames.open(path=host.path) as camera:
        frame = camera.latest(0)
    assert frame is not None
    assert (frame.rgb(matrix="bt601") == frame.rgb(matrix="bt601", range="limited")).all()


def test_r1_rgb_of_a_padded_picture_of_a_view_and_into_given_memory(start_host: StartHost) -> None:
    host = start_host(stride=81, matrix=1, full=0)
    host.publish()
    with vas_frames.open(path=host.path) as camera:
        seen = camera.look(lambda view: view.rgb(), 0)
        host.publish()
        frame = camera.latest(0)
        assert seen is not None
        assert frame is not None
        assert seen.shape == (48, 64, 3)
        packed = np.concatenate((frame.y.reshape(-1), frame.uv.reshape(-1)))
        fields: Fields = (2, 0, 0, 0, None, None, 64, 48, 64, b"", 1, (1, None, None, "limited", None))
        assert (frame.rgb() == vas_frames.Frame(fields, packed).rgb()).all()
        out = np.empty((2, 48, 64, 3), np.uint8)
        rgb = frame.rgb(out=out)
        assert np.shares_memory(rgb, out[0])
        with pytest.raises(vas_frames.FrameError) as error:
            frame.rgb(out=np.empty((48, 64, 2), np.uint8))
        assert error.value.code == "DESTINATION_TOO_SMALL"
        with pytest.raises(ValueError, match="contiguous"):
            frame.rgb(out=np.empty((48, 64, 6), np.uint8)[..., :3])
