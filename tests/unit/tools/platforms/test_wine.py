"""Python for Windows under Wine: what is installed for it, how its output gets here, and its display."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools.errors import ToolError, UnavailableError
from tools.platforms import apt, piped, wine

NAMES = ("test",)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, ...]]:
    """The wheels of each installation, with nothing installed."""
    found: list[tuple[Path, ...]] = []

    def install(into: Path, version: str, platforms: tuple[str, ...], names: object, wheels: tuple[Path, ...]) -> None:
        assert (version, platforms, names) == ("3.13", ("win_amd64",), NAMES)
        found.append(wheels)
        (into / f"{len(found)}.py").touch()

    monkeypatch.setattr(wine, "ensure_emulator", lambda name: tmp_path / "wine")
    monkeypatch.setattr(wine, "windows_python", lambda: tmp_path / "python.exe")
    monkeypatch.setattr(wine, "install_for", install)
    return found


def test_packages_are_installed_again_when_a_wheel_is_another_one(
    installed: list[tuple[Path, ...]], tmp_path: Path
) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    for content in (b"1", b"1", b"2"):
        wheel.write_bytes(content)
        python = wine.ensure_wine_python(NAMES, tmp_path / "place", (wheel,))
    assert installed == [(wheel,), (wheel,)]
    assert [file.name for file in python.packages.iterdir()] == ["2.py"], "nothing of the first is left"
    assert python.variables["PYTHONPATH"] == "Z:" + str(tmp_path / "place" / "site").replace("/", "\\")


def test_what_an_installation_that_failed_left_is_not_taken_for_whole(
    installed: list[tuple[Path, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ToolError("No network.")

    wine.ensure_wine_python(NAMES, tmp_path / "place")
    wheel = tmp_path / "a-1-py3-none-any.whl"
    wheel.write_bytes(b"1")
    with monkeypatch.context() as patched:
        patched.setattr(wine, "install_for", fail)
        with pytest.raises(ToolError, match="No network"):
            wine.ensure_wine_python(NAMES, tmp_path / "place", (wheel,))
    wine.ensure_wine_python(NAMES, tmp_path / "place")
    assert installed == [(), ()]


def test_without_wine_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wine, "ensure_emulator", lambda name: None)
    with pytest.raises(UnavailableError, match="wine") as caught:
        wine.ensure_wine_python(NAMES, tmp_path)
    assert "wheel for Windows" in caught.value.why


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are inherited in another way on Windows")
def test_the_output_of_a_program_is_copied_whole_and_its_status_is_kept(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('x' * 300_000); sys.stdout.flush(); sys.stderr.write('end'); sys.exit(3)"
    output = tmp_path / "output"
    with output.open("wb") as file:
        words = [sys.executable, "-I", piped.__file__, sys.executable, "-I", "-c", code]
        done = subprocess.run(words, stdout=file, check=False)
    assert done.returncode == 3
    assert output.read_text(encoding="ascii") == "x" * 300_000 + "end"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_the_end_of_a_program_by_a_signal_is_a_shells_status() -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    words = [sys.executable, "-I", piped.__file__, sys.executable, "-I", "-c", code]
    assert subprocess.run(words, check=False).returncode == 128 + 9


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of Xvfb."""
    if sys.platform == "win32":
        pytest.skip("Wine is not for Windows")
    program = tmp_path / "bin" / "Xvfb"
    program.parent.mkdir()
    monkeypatch.setattr(apt, "is_here", lambda: False)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return program


def write_server(program: Path, *lines: str) -> None:
    program.write_text("\n".join([f"#!{sys.executable} -I", *lines, ""]), encoding="utf-8")
    program.chmod(0o755)


def test_the_display_that_the_server_tells_is_there_until_the_end(server: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    write_server(
        server,
        "import os, pathlib, signal, sys",
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(gone)!r}).touch(), sys.exit(0)))",
        "os.write(int(sys.argv[sys.argv.index('-displayfd') + 1]), b'17\\n')",
        "signal.pause()",
    )
    with wine.display() as variables:
        assert variables == {"DISPLAY": ":17"}
        assert not gone.exists()
    assert gone.exists()


def test_a_display_that_does_not_start_is_an_error(server: Path) -> None:
    write_server(server, "import sys", "sys.exit(5)")
    with pytest.raises(ToolError, match="Xvfb ended with status 5"), wine.display():
        pytest.fail("there is no display")


def test_without_xvfb_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "win32":
        pytest.skip("Wine is not for Windows")
    monkeypatch.setattr(apt, "is_here", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="Xvfb") as caught, wine.display():
        pytest.fail("there is no display")
    assert caught.value.fix == "Install xvfb."
