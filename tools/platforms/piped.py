"""Run a program whose output goes into a pipe, and copy it from there: Python under Wine 8 does not start with a file.

python piped.py PROGRAM ARGUMENTS…
"""

from __future__ import annotations

import os
import subprocess
import sys

if __name__ == "__main__":
    words = sys.argv[1:]
    read, write = os.pipe()
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=write, stderr=write) as process:
        os.close(write)
        while part := os.read(read, 1 << 16):
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
    sys.exit(process.returncode if process.returncode >= 0 else 128 - process.returncode)
