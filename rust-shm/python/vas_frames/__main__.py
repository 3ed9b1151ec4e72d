"""The command line tool of a live system: `vas-frames list`, or `python -m vas_frames list`."""

import signal
import sys

from ._native import run_tool


def main() -> int:
    # The tool never comes back to Python while it follows or watches: an interrupt ends it, as it does the binary.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run_tool(["vas-frames", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
