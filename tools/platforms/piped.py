"""Run a program whose output goes into a pipe, and copy it from there: Python under Wine 8 does not start with a file.

python piped.py PROGRAM ARGUMENTS…
"""

from __future__ import annotations

import subprocess
import sys

if __name__ == "__main__":
    words = sys.argv[1:]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        while part := process.stdout.read1():
            sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
    sys.exit(process.returncode if process.returncode >= 0 else 128 - process.returncode)
