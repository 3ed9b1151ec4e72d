"""The conformance data of the protocol, as far as a package can be asked that only reads."""

import fcntl
import json
import os
import struct
import time
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import StartHost
from slow_reader import INTERVAL, Call, read_slowly

import vas_frames

PROTOCOL = Path(__file__).resolve().parents[2] / "protocol"
DATA = PROTOCOL / "conformance"

Row = dict[str, Any]

STATE, HEARTBEAT_NS, DATA_INODE, TIMESTAMP_NS, COLOURS = 256, 320, 208, 16, 248
RECORDS, RECORD_STRIDE = 512, 128

# Of the steps and the intervals of slow readers, which are many for a host in another process.
SLOW_READERS_SHARE = 10

# The calls that give the newest and the next frame. A look at the next there is none.
SLOW_CALLS: dict[str, tuple[Call, ...]] = {"newest": ("look", "latest"), "next": ("read",)}

# What only this package, or only a reader, can say.
OWN_CODES = {"TIMEOUT", "UNKNOWN_COLOURS", "VIEW_ESCAPED"}


def load(file: str) -> Row:
    loaded: Row = json.loads((DATA / f"{file}.json").read_text())
    return loaded


def rows(file: str) -> list[Row]:
    found: list[Row] = load(file)["rows"]
    assert found
    return found


class Ring:
    """A golden ring in files, with bytes replaced."""

    def __init__(self, base_dir: Path, golden: str) -> None:
        self.path = base_dir / "ring"
        self.path.mkdir(exist_ok=True)
        for file in ("meta", "data"):
            picture = (PROTOCOL / f"golden/{golden}.{file}").read_bytes()
            (self.path / f"frame.{file}").write_bytes(picture)

    def replace(self, offset: int, value: bytes) -> None:
        with (self.path / "frame.meta").open("r+b") as meta:
            meta.seek(offset)
            meta.write(value)

    def patch(self, row: Row) -> None:
        for offset, digits in row["patches"]:
            self.replace(offset, bytes.fromhex(digits))

    def open(self) -> vas_frames.Camera:
        return vas_frames.open(path=self.path, owner=vas_frames.ANYONE)


def told(camera: vas_frames.Camera, read: Row) -> Row:
    frame = camera.latest(0) if read["call"] == "newest" else camera.read(0)
    if frame is not None:
        return {"outcome": "frame", "frame_id": frame.id, "missed": frame.missed}
    status = camera.health().status
    if status in ("ended", "replaced", "damaged"):
        return {"outcome": status}
    return {"outcome": "damaged" if camera.health().lag else "nothing-newer"}


def check_reads(row: Row, base_dir: Path, *, is_patched_late: bool) -> int:
    """Runs the reads that begin with nothing seen; there is no asking for a frame by its id. How many those were."""
    reads = [read for read in row["reads"] if read.get("seen") == 0]
    for read in reads:
        ring = Ring(base_dir, row["ring"])
        if not is_patched_late:
            ring.patch(row)
        with ring.open() as camera:
            if is_patched_late:
                ring.patch(row)
            found = told(camera, read)
        expected = {field: read[field] for field in found}
        assert found == expected, f"{row['name']}: {read}"
    return len(reads)


def run_walks(base_dir: Path) -> None:
    walks = rows("ring/walks")
    ran = [check_reads(row, base_dir, is_patched_late=False) for row in walks]
    assert sum(ran) > len(walks)


def run_outcomes(base_dir: Path) -> None:
    outcomes = rows("ring/outcomes")
    ran = [check_reads(row, base_dir, is_patched_late=True) for row in outcomes]
    assert sum(ran) > 10


def run_layouts(base_dir: Path) -> None:
    for row in rows("ring/layouts"):
        ring = Ring(base_dir, row["ring"])
        ring.patch(row)
        try:
            ring.open().close()
            code = None
        except vas_frames.FrameError as error:
            code = error.code
        assert code == (None if row["is_readable"] else "INCOMPATIBLE_LAYOUT"), row["name"]


def run_colours(base_dir: Path) -> None:
    for row in rows("ring/colours"):
        ring = Ring(base_dir, "wrapped")
        ring.replace(COLOURS, bytes(row["bytes"]))
        with ring.open() as camera:
            frame = camera.latest(0)
        assert frame is not None
        for field in ("matrix", "primaries", "transfer", "range", "chroma_siting"):
            assert getattr(frame.colours, field) == row[field], row


def run_geometries(_: Path) -> None:
    """Which pictures can be converted."""
    for row in rows("ring/geometries"):
        width, height, stride = row["width"], row["height"], row["stride"]
        size = row["picture_bytes"]
        if size is not None and size > 1 << 24:
            continue
        fields = (1, 0, 0, 0, None, None, width, height, stride, b"", 1, (1,) + 4 * (None,))
        frame = vas_frames.Frame(typing.cast(Any, fields), np.zeros(size or 1 << 16, np.uint8))
        out = np.empty(max(width * height * 3, 1) if size else 1, np.uint8)
        if size is None:
            with pytest.raises((ValueError, OverflowError)):
                frame.rgb(range="full", out=out)
        else:
            assert frame.rgb(range="full", out=out).shape == (height, width, 3)


def run_constants(base_dir: Path) -> None:
    """Where the records of the slots are, as a reader finds them; `run_health` asks when a frame is old."""
    numbers = load("ring/constants")
    ring = Ring(base_dir, "wrapped")
    meta = (ring.path / "frame.meta").read_bytes()
    assert struct.unpack_from("<II", meta) == (numbers["layout_version"], numbers["record_size"])
    stamps = range(1, numbers["smallest_slot_count"] + 1)
    for slot, stamp in enumerate(stamps):
        record = numbers["slot_records_offset"] + slot * numbers["slot_record_stride"]
        ring.replace(record + TIMESTAMP_NS, struct.pack("<Q", stamp))
    with ring.open() as camera:
        frames = [frame for _ in stamps if (frame := camera.read(0))]
    assert sorted(frame.timestamp_ns for frame in frames) == list(stamps)


def run_health(base_dir: Path) -> None:
    limit: int = load("ring/constants")["old_after_ns"]

    def age(nanoseconds: int) -> int:
        """The ages of the data stand at one moment; here time goes on, so they keep off the limit."""
        return limit // 2 if nanoseconds <= limit else max(nanoseconds, 2 * limit)

    for row in rows("camera/health"):
        ring = Ring(base_dir, "empty" if row["frame_age_ns"] is None else "two-frames")
        now = time.monotonic_ns()
        ring.replace(STATE, struct.pack("<I", row["state"]))
        with ring.open() as camera, (ring.path / "frame.meta").open("r+b") as meta:
            beat = max(now - age(row["heartbeat_age_ns"]), 0)
            ring.replace(HEARTBEAT_NS, struct.pack("<Q", beat))
            if row["frame_age_ns"] is not None:
                stamp = struct.pack("<Q", max(now - age(row["frame_age_ns"]), 0))
                for record in (0, *(RECORDS + slot * RECORD_STRIDE for slot in range(3))):
                    ring.replace(record + TIMESTAMP_NS, stamp)
            if row["lock_is_held"]:
                lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                fcntl.fcntl(meta, fcntl.F_OFD_SETLK, lock)
            assert camera.health().status == row["health"], row


def run_camera_ids(base_dir: Path) -> None:
    for row in rows("camera/camera-ids"):
        with pytest.raises(vas_frames.FrameError) as error:
            vas_frames.open(row["id"], base_dir=base_dir / "nothing")
        expected = "SOURCE_NOT_FOUND" if row["is_valid"] else "BAD_CAMERA_ID"
        assert error.value.code == expected, row


def run_error_codes(_: Path) -> None:
    known = {row["code"] for row in rows("camera/error-codes")}
    own = set(typing.get_args(vas_frames.ErrorCode))
    assert own - known == OWN_CODES
    assert own >= {row["code"] for row in rows("camera/error-codes") if row["reader"]}


def run_slow_readers(start_host: StartHost) -> None:
    """A copy is no look: also what works on it for longer than any look may gets what there is time for."""
    data = load("ring/slow-readers")
    run = data["run_intervals"] // SLOW_READERS_SHARE * INTERVAL
    step = data["look_steps"] * SLOW_READERS_SHARE
    assert set(data["calls"]) == set(SLOW_CALLS)
    calls: list[Call] = [call for kind in data["calls"] for call in SLOW_CALLS[kind]]
    for slot_count in data["slot_counts"]:
        host = start_host("2x2", camera=f"slots{slot_count}", slots=slot_count)
        longest, too_long = (slot_count - 2) * INTERVAL, (slot_count + 1) * INTERVAL
        for call in calls:
            for work in (*range(step, longest + 1, step), too_long):
                told = read_slowly(host, call, work, run)
                what = f"{slot_count} slots, {call}, {work}: {told}"
                if call == "look" and work == too_long:
                    assert told.delivered == 0, what
                    assert told.looks_in_one_call == data["looks_in_one_call"], what
                    continue
                assert told.delivered >= run / max(work, INTERVAL) * data["share"], what
                assert told.looks_in_one_call <= data["looks_in_one_call"], what
        host.close()


FILES: dict[str, Callable[[Path], None]] = {
    "ring/walks": run_walks,
    "ring/outcomes": run_outcomes,
    "ring/layouts": run_layouts,
    "ring/colours": run_colours,
    "ring/geometries": run_geometries,
    "ring/constants": run_constants,
    "camera/health": run_health,
    "camera/camera-ids": run_camera_ids,
    "camera/error-codes": run_error_codes,
}

FILES_OF_A_LIVE_CAMERA: dict[str, Callable[[StartHost], None]] = {"ring/slow-readers": run_slow_readers}


def test_p2_18_runs_every_file() -> None:
    files = {str(path.relative_to(DATA)) for path in DATA.rglob("*") if path.is_file()}
    run = {f"{name}.json" for name in (*FILES, *FILES_OF_A_LIVE_CAMERA)}
    assert files - {"README.md"} == run


@pytest.mark.parametrize("file", FILES)
def test_p2_18_reads_as_every_implementation_does(base_dir: Path, file: str) -> None:
    FILES[file](base_dir)


@pytest.mark.parametrize("file", FILES_OF_A_LIVE_CAMERA)
def test_p2_18_p2_19_reads_a_live_camera_as_every_implementation_does(
    start_host: StartHost, file: str
) -> None:
    FILES_OF_A_LIVE_CAMERA[file](start_host)
