"""Ends interpreters while threads of theirs wait for frames, read and look at them.

    endings.py <camera folder> <times>

Prints how many ended well, and exits with 1 if one did not.
"""

import subprocess
import sys

# Main ends at some moment of the life of a frame, so each time at another one for the threads.
PROGRAM = """
import asyncio, random, sys, threading, time, vas_frames
camera = vas_frames.open(path=sys.argv[1], timeout=60)
apart = vas_frames.open(path=sys.argv[1], timeout=60)
buffer = bytearray(camera.geometry.frame_bytes)

async def stream():
    async for _ in apart.stream(): pass

def for_ever(call):
    def run():
        while True: call()
    return run

calls = [
    lambda: camera.latest(60),
    lambda: camera.read(60, out=buffer),
    lambda: camera.look(lambda view: view.y.sum(), 60),
    lambda: camera.wait(60),
    lambda: vas_frames.wait([camera, apart], 60),
    lambda: next(iter(apart)),
    lambda: apart.latest(60),
    lambda: asyncio.run(stream()),
]
for call in calls:
    threading.Thread(target=for_ever(call), daemon=True).start()
time.sleep(random.random() / 50)
print("ending", flush=True)
"""


def ends_well(folder: str) -> str | None:
    """What there is to say against the end of one interpreter."""
    command = [sys.executable, "-c", PROGRAM, folder]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd="/")
    if (done.returncode, done.stdout, done.stderr) == (0, "ending\n", ""):
        return None
    return f"exit code {done.returncode}: {done.stdout}{done.stderr}"


if __name__ == "__main__":
    folder, times = sys.argv[1], int(sys.argv[2])
    ends = [ends_well(folder) for _ in range(times)]
    for failure in filter(None, ends):
        print(failure, file=sys.stderr)
    print(f"{ends.count(None)} of {times} ended well")
    sys.exit(ends.count(None) != times)
