"""clang's headers for GPUs must be of the version of zig's clang."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.compilers import clang_headers
from tools.errors import ToolError
from tools.util.venv import Environment


class Said:
    """What zig says of its clang."""

    def __init__(self, stdout: str) -> None:
        """Keep it."""
        self.stdout = stdout


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment with the headers of clang 22.1.8, and a zig with that clang."""
    found = Environment(folder=tmp_path)
    (tmp_path / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    (found.packages / "clang_tidy-22.1.8.dist-info").mkdir(parents=True)
    monkeypatch.setattr(clang_headers, "run", lambda command: Said("clang version 22.1.8 (https://github.com/zig)\n"))
    return found


def test_the_headers_of_zigs_clang_are_taken(environment: Environment) -> None:
    found = clang_headers.clang_headers(environment, Path("zig"))
    assert found == environment.packages / "clang_tidy" / "data" / "lib" / "clang" / "22"


def test_those_of_another_version_are_refused(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clang_headers, "run", lambda command: Said("clang version 23.1.0\n"))
    with pytest.raises(ToolError) as caught:
        clang_headers.clang_headers(environment, Path("zig"))
    assert caught.value.what.startswith("zig's clang is 23.1.0, and requirements/clang-headers.txt pins headers of")
    assert caught.value.fix.startswith("Pin clang-tidy==23.1.0 ")


def test_a_zig_that_does_not_tell_is_refused(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clang_headers, "run", lambda command: Said("zig\n"))
    with pytest.raises(ToolError, match=r"^zig clang does not tell its version\.$"):
        clang_headers.clang_headers(environment, Path("zig"))
