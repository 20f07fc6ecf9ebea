"""clang is called for GPU sources with the macros by which zig configures its C++ library and the system's headers.

Were they others, the plug-in would have two forms of the same classes.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess

from tests.support.given import given
from tools.compilers.clang_for_windows import LIBCXX, WINDOWS

SESSION = "nox -s test-rocm -- --target windows-x86_64"


def test_macros_are_those_of_zigs_cxx_compiler() -> None:
    command = [*shlex.split(given("LLAMAPACK_TEST_CXX", SESSION)), "-v", "-E", "-x", "c++", os.devnull]
    said = subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stderr
    line = next(line for line in said.splitlines() if " -cc1 " in line)
    defined = dict(re.findall(r" -D (\w+)=?(\S*)", line))
    assert {name: defined.get(name, "missing") or "1" for name in (LIBCXX | WINDOWS)} == LIBCXX | WINDOWS
    others = {name for name in defined if name.startswith("_LIBC") and name not in LIBCXX}
    assert others == set()
