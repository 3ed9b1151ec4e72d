"""Tells when the machine itself stood still, so that the software on it is not blamed.

On each processor a thread of real-time priority sleeps for a few milliseconds, over and over. No ordinary process
can keep it from waking in time; if it wakes late the processor was not there, taken away by whoever runs the
virtual machine. Without the right to that priority a late waking would prove nothing, and none is reported.
Commands come from standard input, one per line, each answered by one JSON line. It ends with its standard input.

    begin           forget everything so far and watch from now
    report          what was seen since `begin`
"""

import json
import os
import sys
import threading
import time

PERIOD_NS = 5_000_000
NOTABLE_STALL_NS = 20_000_000


class Watch:
    def __init__(self):
        self.is_real_time = become_real_time()
        self.processors = sorted(os.sched_getaffinity(0))
        self.begin()
        for processor in self.processors:
            threading.Thread(target=self.watch, args=(processor,), daemon=True).start()

    def begin(self):
        self.stalls = []
        self.begun_ns = time.monotonic_ns()
        self.stolen_ticks = stolen_ticks()
        self.used_ticks = used_ticks()

    def watch(self, processor):
        os.sched_setaffinity(0, {processor})
        while True:
            asleep_ns = time.monotonic_ns()
            time.sleep(PERIOD_NS / 1e9)
            late_ns = time.monotonic_ns() - asleep_ns - PERIOD_NS
            if late_ns >= NOTABLE_STALL_NS:
                self.stalls.append((processor, asleep_ns + PERIOD_NS, late_ns))

    def report(self):
        seconds = (time.monotonic_ns() - self.begun_ns) / 1e9
        ticks = seconds * os.sysconf("SC_CLK_TCK") * os.cpu_count()
        return {
            "isRealTime": self.is_real_time,
            "stolenPercent": 100 * (stolen_ticks() - self.stolen_ticks) / ticks,
            "usedPercent": 100 * (used_ticks() - self.used_ticks) / ticks,
            "stalls": [
                {"processor": processor, "atMs": (at_ns - self.begun_ns) / 1e6, "ms": late_ns / 1e6}
                for processor, at_ns, late_ns in self.stalls
                if self.is_real_time and at_ns >= self.begun_ns
            ],
        }


def become_real_time():
    """Also for the threads started later: one of them without it could hold the interpreter's lock for long."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(os.sched_get_priority_max(os.SCHED_FIFO)))
        return True
    except PermissionError:
        return False


def stolen_ticks():
    """Time that processors were wanted and not given, of all of them, as the hypervisor states it (proc(5))."""
    return processor_ticks()[7]


def used_ticks():
    """Time of all processors in programs of ordinary priority, in the kernel and in interrupts."""
    user, _nice, system, _idle, _waiting, interrupts, soft_interrupts, *_ = processor_ticks()
    return user + system + interrupts + soft_interrupts


def processor_ticks():
    with open("/proc/stat", encoding="ascii") as stat:
        return [int(field) for field in stat.readline().split()[1:]]


def main():
    watch = Watch()
    for line in sys.stdin:
        command = line.strip()
        if command == "begin":
            watch.begin()
            answer({"watching": True})
        elif command == "report":
            answer(watch.report())
        else:
            answer({"error": f"unknown command {command!r}"})


def answer(value):
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
