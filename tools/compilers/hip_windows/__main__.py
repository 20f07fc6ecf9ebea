"""`python -m tools.compilers.hip_windows SETTINGS WORDS…`: clang's command line, for CMake."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.compilers.hip_windows.compiling import call_compiler
from tools.compilers.hip_windows.settings import read_settings
from tools.errors import ToolError

if __name__ == "__main__":
    try:
        raise SystemExit(call_compiler(read_settings(Path(sys.argv[1])), sys.argv[2:], sys.stdout.buffer))
    except ToolError as error:
        raise SystemExit(f"hip_windows: error: {error}") from None
