"""Counts RTP packets on UDP ports of loopback, a process of its own so that nothing disturbs the measurement.

Arrival times are the kernel's (SO_TIMESTAMPNS), hence exact even when this process is not scheduled in time.
Ports are free ones unless given; they are printed as one JSON line. Commands come from standard input, one per
line, each answered by one JSON line. It ends with its standard input.

    begin           forget everything counted so far and count from now
    report          what was counted since `begin`
    capture         from now on keep a digest of every payload, in order
    payloads        the digests kept, one list per port
"""

import argparse
import array
import hashlib
import itertools
import json
import select
import socket
import struct
import sys
import time

# Missing in the socket module.
SO_TIMESTAMPNS = 35
RECEIVE_BUFFER_BYTES = 4 << 20

# MediaSoup probes the bandwidth with packets of its own: they are not video.
PROBATION_SSRC = 1234
PROBATION_PAYLOAD_TYPE = 127

# A sender that starts again chooses its time stamps anew, and its sequence numbers too, possibly close to the
# old ones: when time stamp and arrival disagree by more than this it is a new start, not loss.
RESTART_SECONDS = 5
VIDEO_CLOCK_HZ = 90_000
BUCKET_NS = 100_000_000
NOTABLE_GAP_MS = 100


class Stream:
    """One consumer's packets since the last `begin`."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.digests = None
        self.begin(time.time_ns())

    def begin(self, now_ns):
        self.begun_ns = now_ns
        self.arrivals_ns = array.array("q")
        self.bytes = 0
        self.lost = 0
        self.late = 0
        self.restarts = 0
        self.set_back = 0
        self.highest = None
        self.newest = None

    def receive(self):
        while True:
            try:
                packet, ancillary, _flags, _from = self.socket.recvmsg(2048, 64)
            except BlockingIOError:
                return
            self.count(packet, arrival_ns(ancillary))

    def count(self, packet, arrived_ns):
        if len(packet) < 12 or packet[0] >> 6 != 2:
            return
        if 192 <= packet[1] <= 223:  # RTCP on the same port (RFC 5761)
            return
        _, kind, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", packet)
        if ssrc == PROBATION_SSRC or kind & 0x7F == PROBATION_PAYLOAD_TYPE:
            return
        if arrived_ns < self.begun_ns:
            return
        self.arrivals_ns.append(arrived_ns)
        self.bytes += len(packet)
        self.follow(sequence, timestamp, arrived_ns)
        if self.digests is not None:
            self.digests.append(hashlib.md5(payload(packet)).hexdigest())

    def follow(self, sequence, timestamp, arrived_ns):
        if self.highest is None or self.is_restart(timestamp, arrived_ns):
            if self.highest is not None:
                self.restarts += 1
                self.set_back += signed(timestamp - self.newest[0], 32) < 0
            self.highest = sequence
        else:
            step = signed(sequence - self.highest, 16)
            if step > 0:
                self.lost += step - 1
                self.highest = sequence
            else:
                # When it was passed over it was taken for lost, unless it is a duplicate.
                self.late += 1
                self.lost -= step < 0 and self.lost > 0
        self.newest = (timestamp, arrived_ns)

    def is_restart(self, timestamp, arrived_ns):
        newest_timestamp, newest_ns = self.newest
        media_seconds = signed(timestamp - newest_timestamp, 32) / VIDEO_CLOCK_HZ
        return abs(media_seconds - (arrived_ns - newest_ns) / 1e9) > RESTART_SECONDS

    def report(self, now_ns):
        marks = [self.begun_ns, *sorted(self.arrivals_ns), now_ns]
        gaps = [
            {"atMs": (before - self.begun_ns) / 1e6, "ms": (after - before) / 1e6}
            for before, after in itertools.pairwise(marks)
        ]
        seconds = (now_ns - self.begun_ns) / 1e9
        histogram = [0] * ((now_ns - self.begun_ns) // BUCKET_NS + 1)
        for arrived_ns in self.arrivals_ns:
            if arrived_ns <= now_ns:
                histogram[(arrived_ns - self.begun_ns) // BUCKET_NS] += 1
        return {
            "port": self.port,
            "packets": len(self.arrivals_ns),
            "packetsPerSecond": len(self.arrivals_ns) / seconds,
            "bytes": self.bytes,
            "lost": self.lost,
            "late": self.late,
            "restarts": self.restarts,
            "setBack": self.set_back,
            "longestGapMs": max(gap["ms"] for gap in gaps),
            "gaps": [gap for gap in gaps if gap["ms"] >= NOTABLE_GAP_MS],
            "per100Ms": histogram,
        }


def signed(difference, bits):
    """A difference of numbers that wrap around, as the shorter way."""
    half = 1 << (bits - 1)
    return ((difference + half) & ((1 << bits) - 1)) - half


def arrival_ns(ancillary):
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", data)
            return seconds * 1_000_000_000 + nanoseconds
    return time.time_ns()


def payload(packet):
    """Behind the fixed header, the contributing sources and the header extension: what the codec wrote."""
    start = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        start += 4 + 4 * struct.unpack_from("!H", packet, start + 2)[0]
    return packet[start:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, action="append", default=[], help="may be given several times")
    parser.add_argument("--free-ports", type=int, default=0, help="how many free ports to take as well")
    options = parser.parse_args()

    streams = [Stream(port) for port in options.port + [0] * options.free_ports]
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN | select.POLLHUP)
    by_descriptor = {}
    for stream in streams:
        poll.register(stream.socket, select.POLLIN)
        by_descriptor[stream.socket.fileno()] = stream
    answer({"ports": [stream.port for stream in streams]})

    while True:
        for descriptor, _ in poll.poll():
            if descriptor in by_descriptor:
                by_descriptor[descriptor].receive()
            elif not obey(sys.stdin.readline().strip(), streams):
                return


def obey(command, streams):
    now_ns = time.time_ns()
    # What the kernel has received by now belongs to the time before the command.
    for stream in streams:
        stream.receive()
    if command == "begin":
        for stream in streams:
            stream.begin(now_ns)
        answer({"begunMs": now_ns / 1e6})
    elif command == "report":
        answer([stream.report(now_ns) for stream in streams])
    elif command == "capture":
        for stream in streams:
            stream.digests = []
        answer({"capturing": True})
    elif command == "payloads":
        answer([stream.digests or [] for stream in streams])
    elif command:
        answer({"error": f"unknown command {command!r}"})
    return command != ""


def answer(value):
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
