"""A picture in Python: what is known of it, and its planes as arrays that share its memory."""

import time
import zlib
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._errors import FrameError

Bytes: TypeAlias = NDArray[np.uint8]

Memory: TypeAlias = bytearray | memoryview | Bytes
"""Contiguous and writable bytes, in whatever shape."""

Matrix: TypeAlias = Literal["bt601", "bt709", "bt2020"]
Range: TypeAlias = Literal["limited", "full"]
ChromaSiting: TypeAlias = Literal["left", "center", "top-left", "top", "bottom-left", "bottom"]

_CODES: Final = {"bt601": 6, "bt709": 1, "bt2020": 9}

ColourCodes: TypeAlias = tuple[int | None, int | None, int | None, Range | None, ChromaSiting | None]

Fields: TypeAlias = tuple[
    int,
    int,
    int,
    int,
    int | None,
    int | None,
    int,
    int,
    int,
    bytes,
    int,
    ColourCodes,
]


@dataclass(frozen=True, slots=True)
class Colours:
    """What the numbers of a picture mean, in the codes of ITU-T H.273; `None` is "not said"."""

    matrix: int | None
    """1 = BT.709, 5 and 6 = BT.601, 9 = BT.2020."""
    primaries: int | None
    transfer: int | None
    range: Range | None
    chroma_siting: ChromaSiting | None


class Picture:
    """One NV12 picture and what is known of it.

    `id` counts the frames of a camera from 1; within an `epoch` (one start of the export) no id comes twice.
    `missed` is the number of frames between the one taken before and this one.
    """

    __slots__ = (
        "_bytes",
        "checksum",
        "colours",
        "epoch",
        "generation",
        "height",
        "id",
        "missed",
        "pts_ns",
        "stride",
        "timestamp_ns",
        "wall_clock_ns",
        "width",
    )

    id: int
    missed: int
    timestamp_ns: int
    """When the frame was complete, CLOCK_MONOTONIC (`time.monotonic_ns()`)."""
    wall_clock_ns: int
    """When the frame was complete, CLOCK_REALTIME (`time.time_ns()`)."""
    pts_ns: int | None
    """The time stamp that its source gave the frame; `None` where nobody knows."""
    checksum: int | None
    """CRC-32 of the picture in verify mode, `None` otherwise."""
    width: int
    height: int
    stride: int
    """Bytes from one row to the next, in either plane."""
    epoch: bytes
    generation: int
    """From 1; one more with each change of shape within an epoch."""
    colours: Colours
    """What the numbers mean."""
    _bytes: Bytes | None

    def __init__(self, fields: Fields, memory: Bytes) -> None:
        (
            self.id,
            self.missed,
            self.timestamp_ns,
            self.wall_clock_ns,
            self.pts_ns,
            self.checksum,
            self.width,
            self.height,
            self.stride,
            self.epoch,
            self.generation,
            colours,
        ) = fields
        self.colours = Colours(*colours)
        self._bytes = memory

    @property
    def nv12(self) -> Bytes:
        """The whole picture, `stride * height * 3 // 2` bytes: the rows of `y`, then the rows of `uv`."""
        if self._bytes is None:
            raise ValueError("the look at this picture is over")
        return self._bytes

    @property
    def y(self) -> Bytes:
        """Luma, (height, width)."""
        shape = (self.height, self.width)
        return np.ndarray(shape, np.uint8, self.nv12, 0, (self.stride, 1))

    @property
    def uv(self) -> Bytes:
        """Chroma, (height // 2, width // 2, 2): Cb, then Cr."""
        shape = (self.height // 2, self.width // 2, 2)
        offset = self.stride * self.height
        return np.ndarray(shape, np.uint8, self.nv12, offset, (self.stride, 2, 1))

    def rgb(
        self,
        *,
        matrix: Matrix | int | None = None,
        range: Range | None = None,
        out: Bytes | None = None,
    ) -> Bytes:
        """The picture as RGB, (height, width, 3), by its own `colours`, or by what is said here instead.

        `matrix` is a name or a code of H.273. `out` is contiguous and has room for `width * height * 3` bytes. The
        result is what FFmpeg's scaler makes with `neighbor+full_chroma_int+accurate_rnd`, within one level: each chroma
        sample counts for its four pixels. What is brighter or darker than the range allows is clipped.

        Raises `UNKNOWN_COLOURS` if nobody says the matrix or the range, rather than guess.
        """
        if matrix is None:
            matrix = self.colours.matrix
        elif isinstance(matrix, str):
            matrix = _CODES[matrix]
        if range is None:
            range = self.colours.range
        if matrix is None or range is None:
            missing = "matrix" if matrix is None else "range"
            raise FrameError(
                "UNKNOWN_COLOURS",
                f"the camera does not say the {missing} of its colours: give it, as in"
                ' rgb(matrix="bt709", range="limited"), or have the host say it',
            )
        if out is None:
            out = np.empty((self.height, self.width, 3), np.uint8)
        geometry = (self.width, self.height, self.stride)
        _native.rgb(self.nv12, geometry, matrix, range == "full", out)
        size = self.height * self.width * 3
        return out.reshape(-1)[:size].reshape(self.height, self.width, 3)

    @property
    def age(self) -> float:
        """Seconds since the frame was complete."""
        return (time.monotonic_ns() - self.timestamp_ns) / 1e9

    def verify(self) -> bool | None:
        """Whether the picture has its checksum; `None` if it has none."""
        if self.checksum is None:
            return None
        return zlib.crc32(self.nv12.data) == self.checksum

    def __repr__(self) -> str:
        size = f"{self.width}x{self.height}"
        return f"<{type(self).__name__} {self.id}, {size}, missed {self.missed}>"


class Frame(Picture):
    """A frame with memory of its own, unless it was read into `out`: then it lasts until the next read into it."""

    __slots__ = ()


class View(Picture):
    """A frame in the ring, in place. It is valid within the function that `Camera.look` calls, and read-only.

    The writer may overwrite it meanwhile; whatever was computed from it is thrown away then.
    """

    __slots__ = ()
