"""A reader of exported frames, written from the protocol document alone: mmap and struct, nothing else.

    frame_reader.py <camera folder> <seconds>

Follows the export for some seconds and prints one JSON object: how many frames it accepted, missed and lost
while reading, and the MD5 of every accepted frame by id. Step names (R1 to R5) are those of the document.
"""

import hashlib
import json
import mmap
import os
import struct
import sys
import threading
import time

RECORD = struct.Struct("<IIQQIIIIQQQQQII")
RECORD_SEQUENCE = 56
OPENING_TRIES = 8
HEADER = 128
STATE = 256
LIVE, ENDED, REPLACED = 1, 2, 3

_word = threading.Lock()


def fence():
    """Orders the loads before it and after it: a release and an acquire of the same word, twice."""
    with _word:
        pass
    with _word:
        pass


def map_file(folder_fd, name):
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder_fd)
    try:
        status = os.fstat(fd)
        return mmap.mmap(fd, status.st_size, mmap.MAP_SHARED, mmap.PROT_READ), status.st_ino
    finally:
        os.close(fd)


class Incompatible(Exception):
    """The files do not follow a layout that this reader knows."""


class Damaged(Exception):
    """The ring says what no writer writes."""


class FrameReader:
    def __init__(self, folder):
        for _ in range(OPENING_TRIES):
            folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self.meta, _ = map_file(folder_fd, "frame.meta")
                self.data, data_inode = map_file(folder_fd, "frame.data")
            finally:
                os.close(folder_fd)
            self._check_header()
            if self.expected_inode in (0, data_inode):
                return
        raise Incompatible("the two files do not belong together: they were copied, or one was replaced")

    def _check_header(self):
        if len(self.meta) < 512 or self.meta[HEADER : HEADER + 8] != b"VASFRAME":
            raise Incompatible("no frame ring")
        version, record_size = struct.unpack_from("<II", self.meta, 0)
        (
            header_size,
            self.slot_count,
            self.slot_stride,
            meta_size,
            data_size,
            self.records_offset,
            self.record_stride,
            self.epoch,
            self.generation,
            self.first_frame_id,
            self.expected_inode,
        ) = struct.unpack_from("<IIQQQII16sQQQ", self.meta, HEADER + 8)
        self.shape = struct.unpack_from("<IIII", self.meta, 232)
        width, height, pixel_format, stride = self.shape
        self.picture_size = stride * height * 3 // 2
        if (
            version < 1
            or record_size < 88
            or header_size < 288
            or meta_size > len(self.meta)
            or data_size > len(self.data)
            or not 3 <= self.slot_count <= 64
            or self.record_stride < 128
            or self.record_stride % 8
            or self.records_offset + self.slot_count * self.record_stride > meta_size
            or self.records_offset % 8
            or self.slot_count * self.slot_stride > data_size
            or self.picture_size > self.slot_stride
            or width % 2
            or height % 2
            or not 2 <= width <= 16384
            or not 2 <= height <= 16384
            or not width <= stride <= 65536
            or pixel_format != 0
        ):
            raise Incompatible("layout")

    def state(self):
        """Ask before `newest`: an ended ring that then has nothing newer has nothing more to come."""
        state = struct.unpack_from("<I", self.meta, STATE)[0]
        fence()
        return state

    def _sequence(self, record_offset):
        return struct.unpack_from("<Q", self.meta, record_offset + RECORD_SEQUENCE)[0]

    def _record_offset(self, frame_id):
        return self.records_offset + frame_id % self.slot_count * self.record_stride

    def newest(self):
        """The id of the newest frame, 0 if there is none."""
        newest = self._sequence(0) >> 1  # R1
        fence()
        return newest if newest >= self.first_frame_id else 0

    def next_after(self, seen):
        """The id of the oldest frame after `seen` that is still there, or None if there is none yet."""
        newest = self.newest()
        if newest <= seen:
            return None
        for frame_id in range(max(seen + 1, self.first_frame_id, newest - self.slot_count + 1), newest):
            if self._sequence(self._record_offset(frame_id)) == 2 * frame_id:
                return frame_id
        return newest

    def missed(self, seen, frame_id):
        """How many frames a reader has missed that took `seen` last (0 = none) and takes `frame_id` now."""
        return frame_id - (seen or self.first_frame_id - 1) - 1

    def read(self, frame_id):
        """The picture of a frame as bytes, or None if it is not there (any more)."""
        record_offset = self._record_offset(frame_id)
        if self._sequence(record_offset) != 2 * frame_id:  # R2
            return None
        fence()
        record = RECORD.unpack_from(self.meta, record_offset)  # R3
        start = frame_id % self.slot_count * self.slot_stride
        picture = self.data[start : start + self.picture_size]
        fence()  # R4
        if self._sequence(record_offset) != 2 * frame_id:  # R5
            return None
        version, record_size, record_id, _, *shape = record[:8]
        is_sound = version >= 1 and record_size >= 88 and record_id == frame_id
        if not is_sound or tuple(shape) != self.shape or record[8:10] != (self.picture_size, start):
            raise Damaged(f"the record of frame {frame_id} contradicts the ring")
        return picture


def follow(folder, seconds):
    reader = FrameReader(folder)
    accepted, lapped, missed, seen = {}, 0, 0, 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = reader.state()
        frame_id = reader.next_after(seen)
        if frame_id is None:
            if state != LIVE:
                break
            time.sleep(0.001)
            continue
        picture = reader.read(frame_id)
        if picture is None:
            lapped += 1
            continue
        missed += reader.missed(seen, frame_id)
        seen = frame_id
        accepted[frame_id] = hashlib.md5(picture).hexdigest()
    return {"accepted": accepted, "lapped": lapped, "missed": missed, "state": reader.state()}


if __name__ == "__main__":
    json.dump(follow(sys.argv[1], float(sys.argv[2])), sys.stdout)
