"""glibc's arenas: as many as processors, however many threads there are."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import easel_serving
import pytest

ARENAS = """
import ctypes, sys, threading
from easel_serving.server.process.allocator import bound_arenas
if sys.argv[1] == "bounded":
    bound_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
barrier = threading.Barrier(int(sys.argv[2]))
def allocate():
    libc.malloc(1000)
    barrier.wait()
threads = [threading.Thread(target=allocate) for _ in range(barrier.parties)]
for thread in threads: thread.start()
for thread in threads: thread.join()
file = ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_threads_share_the_arenas():
    environment = {**os.environ, "PYTHONPATH": str(Path(easel_serving.__file__).parent.parent)}
    environment.pop("MALLOC_ARENA_MAX", None)
    arenas = {}
    for which in ("free", "bounded"):
        command = [sys.executable, "-c", ARENAS, which, str(4 * os.cpu_count())]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        arenas[which] = done.stdout.count("<heap nr=")
    assert arenas["bounded"] <= os.cpu_count() < arenas["free"]
