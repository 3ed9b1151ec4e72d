"""Stops all threads of a process as a debugger does (ptrace), and lets them go on when standard input ends.

Prints one line of JSON when the process stands. If this process ends in any way, the kernel lets the other go on.
"""

import ctypes
import json
import os
import sys

ATTACH = 16
DETACH = 17
ANY_THREAD = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def ptrace(request, thread):
    if libc.ptrace(request, thread, None, None) == -1:
        error = ctypes.get_errno()
        raise OSError(error, f"ptrace: {os.strerror(error)}")


def stop(process):
    stopped = set()
    while True:
        threads = {int(name) for name in os.listdir(f"/proc/{process}/task")} - stopped
        if not threads:
            return stopped
        for thread in threads:
            ptrace(ATTACH, thread)
            os.waitpid(thread, ANY_THREAD)
            stopped.add(thread)


threads = stop(int(sys.argv[1]))
print(json.dumps({"stopped": len(threads)}), flush=True)
sys.stdin.read()
for thread in threads:
    ptrace(DETACH, thread)
