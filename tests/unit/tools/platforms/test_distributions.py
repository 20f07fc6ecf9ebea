"""Where the wheel is tried: roots by release, an environment made once per wheel, and packages fetched once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tools.errors import UnavailableError
from tools.platforms import debian_roots, distributions, target_packages
from tools.platforms.distributions import ARM, SUITES, Place, inside, installed, root_of
from tools.platforms.target_packages import platforms, wheelhouse

WHEEL = "a-1-py3-none-any.whl"

if sys.platform == "win32":
    pytest.skip("roots are folders of Linux", allow_module_level=True)


def test_pip_is_asked_for_wheels_of_the_floor_and_of_older_systems() -> None:
    assert platforms("linux-aarch64")[:4] == [
        "--platform",
        "manylinux_2_28_aarch64",
        "--platform",
        "manylinux_2_27_aarch64",
    ]
    assert platforms("macos-arm64")[1::2] == [f"macosx_{major}_0_arm64" for major in (14, 13, 12, 11)]
    assert platforms("linux-x86_64")[-3:] == ["manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64"]


def test_releases_with_a_python_that_is_new_enough_bring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributions, "host_target", lambda: "linux-x86_64")
    found = {suite: root_of(suite) for suite in SUITES}
    assert {suite: (root.architecture, root.packages) for suite, root in found.items()} == {
        "trixie": ("amd64", ("python3", "python3-venv")),
        "forky": ("amd64", ("python3", "python3-venv")),
        "bullseye": ("amd64", ()),
    }
    monkeypatch.setattr(distributions, "host_target", lambda: "linux-aarch64")
    assert root_of("trixie") == ARM


def test_other_systems_have_no_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributions, "host_target", lambda: "macos-arm64")
    with pytest.raises(UnavailableError, match=r"^Debian does not run on macos-arm64\."):
        root_of("trixie")


def test_command_hands_files_in_and_names_the_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: dict[str, Any] = {}

    def command(folder: Path, words: tuple[str, ...], **more: object) -> list[str]:
        said.update(more)
        return list(words)

    monkeypatch.setattr(debian_roots, "command", command)
    place = Place(root=tmp_path / "root", own=tmp_path / "own", emulator=Path("/qemu"))
    model = Path("/models/a.gguf")
    assert place.command("cat", inside(model), files=(model,), processor="max") == ["cat", "/files/a.gguf"]
    assert said["binds"] == {tmp_path / "own": "/place", model: "/files/a.gguf"}
    assert said["emulator"] == Path("/qemu")
    assert said["variables"]["QEMU_CPU"] == "max"
    assert said["variables"]["PIP_NO_INDEX"] == "1"


def test_wheel_is_installed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Path] = []
    (tmp_path / "own").mkdir()
    place = Place(root=tmp_path / "root", own=tmp_path / "own")
    monkeypatch.setattr(distributions, "ensure_place", lambda root: place)
    monkeypatch.setattr(distributions, "_install", lambda place, root, wheels, *_: done.extend(wheels))
    wheel = tmp_path / WHEEL
    for content in ("one", "one", "two"):
        wheel.write_text(content, encoding="utf-8")
        assert installed(ARM, wheel) == place
    assert done == [wheel, wheel]


def test_failed_installation_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").mkdir()
    place = Place(root=tmp_path / "root", own=tmp_path / "own")
    monkeypatch.setattr(distributions, "ensure_place", lambda root: place)
    (tmp_path / WHEEL).touch()
    for _ in range(2):
        monkeypatch.setattr(distributions, "_install", lambda *each: pytest.fail("tried"))
        with pytest.raises(pytest.fail.Exception, match="tried"):
            installed(ARM, tmp_path / WHEEL)


def test_packages_are_fetched_once_by_python_and_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path))
    calls: list[list[object]] = []
    monkeypatch.setattr(target_packages, "run_live", lambda words, **more: calls.append(list(words)))
    folder = wheelhouse("3.13", "linux-aarch64")
    assert folder.name.startswith("linux-aarch64-3.13-")
    assert wheelhouse("3.13", "linux-aarch64") == folder
    assert wheelhouse("3.14", "linux-aarch64") != folder
    assert len(calls) == 2
    words = calls[0]
    assert words[words.index("--python-version") + 1] == "3.13"
    assert "manylinux_2_28_aarch64" in words
