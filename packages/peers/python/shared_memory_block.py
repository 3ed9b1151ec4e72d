"""`multiprocessing.shared_memory`: one block for the newest frame and its number.

With a lock, readers wait on a `multiprocessing.Condition` and copy while they hold it. Without one they look at the
number every millisecond. Readers are children of the writer, because a condition is inherited and cannot be opened by
name."""

import multiprocessing
import os
import time
from multiprocessing import shared_memory

import numpy as np
from picture import FRAME_BYTES

NUMBER_BYTES = 8
POLL = 0.001


class Writer:
    def __init__(self, has_lock, in_child):
        self._memory = shared_memory.SharedMemory(create=True, size=NUMBER_BYTES + FRAME_BYTES)
        self._condition = multiprocessing.Condition() if has_lock else None
        self._number, self._frame = views(self._memory)
        self._number[0] = 0
        self._in_child = in_child

    def publish(self, stamped):
        if self._condition is None:
            self._store(stamped)
            return
        with self._condition:
            self._store(stamped)
            self._condition.notify_all()

    def _store(self, stamped):
        self._frame[:] = stamped
        self._number[0] += 1

    def start_reader(self, words):
        child = multiprocessing.Process(target=self._read, args=(words,), daemon=True)
        child.start()
        return child.pid

    def _read(self, words):
        os.close(0)
        self._in_child(Reader(shared_memory.SharedMemory(self._memory.name), self._condition), words)


class Reader:
    refused = 0

    def __init__(self, memory, condition):
        self._memory = memory
        self._condition = condition
        self._number, self._frame = views(memory)
        self._copy = np.empty(FRAME_BYTES, np.uint8)
        self._last = 0

    def next(self, timeout):
        if self._condition is None:
            deadline = time.monotonic() + timeout
            while self._number[0] == self._last:
                if time.monotonic() >= deadline:
                    return None
                time.sleep(POLL)
            return self._take()
        with self._condition:
            if not self._condition.wait_for(lambda: self._number[0] != self._last, timeout):
                return None
            return self._take()

    def _take(self):
        self._last = int(self._number[0])
        self._copy[:] = self._frame
        return self._copy


def views(memory):
    number = np.ndarray(1, "<u8", memory.buf)
    frame = np.ndarray(FRAME_BYTES, np.uint8, memory.buf, NUMBER_BYTES)
    return number, frame
