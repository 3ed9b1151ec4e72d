"""One peer at work, in one of two parts, as `rust/src/main.rs`: `peer.py PEER publish FOLDER` and
`peer.py PEER read FOLDER REPORT [--check] [--hold-ms N]`. The peers are in the files beside this one."""

import argparse
import json
import pathlib
import signal
import sys
import time

import picture

TIMEOUT = 0.1


def publish(publisher):
    """Answers each line of standard input by a line."""
    pictures = picture.Pictures()
    frame_id = 0
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "read" in request:
            print(json.dumps({"pid": publisher.start_reader(request["read"])}), flush=True)
            continue
        answer = {"publish_us": [], "errors": 0, "first_error": None}
        start = time.monotonic_ns()
        for frame in range(request["frames"]):
            due = start + request["interval_us"] * frame * 1000
            time.sleep(max(0, due - time.monotonic_ns()) / 1e9)
            frame_id += 1
            stamped = pictures.stamped(frame_id)
            called = time.monotonic_ns()
            try:
                publisher.publish(stamped)
            except Exception as error:
                answer["errors"] += 1
                answer["first_error"] = answer["first_error"] or str(error)
            answer["publish_us"].append((time.monotonic_ns() - called) / 1000)
        print(json.dumps(answer), flush=True)


def read(reader, args):
    """Reads until SIGTERM, then leaves a report."""
    is_over = []
    signal.signal(signal.SIGTERM, lambda *_: is_over.append(True))
    pictures = picture.Pictures() if args.check else None
    report = {
        "latency_us": [],
        "first_id": 0,
        "last_id": 0,
        "repeated": 0,
        "torn": 0,
        "refused": 0,
        "error": None,
    }
    path = pathlib.Path(args.report)
    path.with_suffix(".ready").touch()
    while not is_over:
        copy = reader.next(TIMEOUT)
        if copy is None:
            continue
        seen = time.monotonic_ns()
        frame_id, published = picture.head(copy)
        report["latency_us"].append((seen - published) / 1000)
        if pictures is not None and not pictures.is_whole(copy, frame_id):
            report["torn"] += 1
        elif frame_id <= report["last_id"]:
            report["repeated"] += 1
        report["first_id"] = report["first_id"] or frame_id
        report["last_id"] = frame_id
        time.sleep(args.hold_ms / 1000)
    report["refused"] = reader.refused
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(report))
    draft.rename(path)


def arguments(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    parser.add_argument("part", choices=["publish", "read"])
    parser.add_argument("folder")
    parser.add_argument("report", nargs="?")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--hold-ms", type=int, default=0)
    return parser.parse_args(words)


def main():
    args = arguments(sys.argv[1:])
    if args.peer == "vas-frames":
        import vas_frames_reader

        read(vas_frames_reader.Reader(args.folder), args)
    else:
        import shared_memory_block

        def in_child(reader, words):
            read(reader, arguments([args.peer, "read", args.folder, *words]))

        publish(shared_memory_block.Writer(args.peer == "shared-memory-lock", in_child))


if __name__ == "__main__":
    main()
