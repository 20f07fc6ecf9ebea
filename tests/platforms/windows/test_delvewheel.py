"""What repairs wheels for Windows finds nothing to add to ours, and names all that it needs of the system."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from llamapack.backends.host.binaries import read_library

from tests.support.programs.making import Libraries
from tools.audit.rules import SYSTEM

KEPT = ("--ignore-existing", "--analyze-existing")  # our libraries stay where they are, and are looked into


def needed_by(path: Path) -> tuple[str, ...]:
    """Return what the library in `path` needs, read as llamapack itself reads it."""
    library = read_library(path)
    assert library is not None
    return tuple(library.needed)


def delvewheel(command: str, wheel: Path, *more: str) -> str:
    words = [sys.executable, "-m", "delvewheel", command, *KEPT, *more, str(wheel)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_repaired_wheel_is_the_wheel(wheel: Path, tmp_path: Path) -> None:
    said = delvewheel("repair", wheel, "--wheel-dir", str(tmp_path))
    assert "no external dependencies are needed" in said
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [wheel.read_bytes()]


def test_wheel_brings_its_own_libraries_and_needs_those_of_the_system(wheel: Path, libraries: Libraries) -> None:
    copied, ours, assumed = re.split(r"The following DLLs [^\n]*\n", delvewheel("show", wheel))[1:]
    assert copied.split() == ["None"]
    needed = {name for path in libraries.folder.glob("*.dll") for name in needed_by(path)}
    assert {line.split()[0] for line in ours.splitlines() if line.strip()} == {
        name for name in needed if (libraries.folder / name).is_file()
    }
    assert [name for name in assumed.split() if not re.fullmatch(SYSTEM["windows"], name)] == []
