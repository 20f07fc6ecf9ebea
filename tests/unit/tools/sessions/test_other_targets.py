"""A plug-in for Windows is run under Wine, beside stand-ins where no package brings its vendor's libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import nox
import pytest

from tools.errors import ToolError
from tools.matrix import load_matrix
from tools.paths import ROOT
from tools.platforms import wine
from tools.platforms.host import Method, Way
from tools.sessions import other_targets
from tools.sessions.other_targets import Artifacts, run_under_wine
from tools.toolkits.rocm import windows


@contextmanager
def no_display() -> Iterator[dict[str, str]]:
    """Show nothing."""
    yield {"DISPLAY": ":9"}


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, str]]:
    """The variables of each run of pytest, with nothing installed and nothing run."""
    python = SimpleNamespace(command=["wine", "python"], variables={"WINEPREFIX": "prefix"}, stop=lambda: None)
    found: list[Mapping[str, str]] = []

    def run(session: nox.Session, *words: str, env: Mapping[str, str], **_: Any) -> None:
        found.append(env)

    monkeypatch.setattr(other_targets, "BUILD", tmp_path)
    monkeypatch.setattr(wine, "ensure_wine_python", lambda names, folder, wheels: python)
    monkeypatch.setattr(wine, "display", no_display)
    monkeypatch.setattr(other_targets, "run_pytest", run)
    monkeypatch.setattr(windows, "make_stand_ins", lambda folder: folder)
    return found


def run(backend: str, tmp_path: Path) -> None:
    parts = Artifacts(
        cell=load_matrix().cell(f"{backend}-windows-x86_64"),
        core=tmp_path / "core.whl",
        plugin=tmp_path / "plugin.whl",
        model=tmp_path / "model.gguf",
        way=Way(how=Method.LOADED),
    )
    run_under_wine(cast("nox.Session", SimpleNamespace()), parts, ())


def test_amds_libraries_are_stand_ins(told: list[Mapping[str, str]], tmp_path: Path) -> None:
    run("rocm", tmp_path)
    (variables,) = told
    assert variables["HIP_PATH"] == wine.windows_path(tmp_path / "wine-rocm" / "stand-in")
    assert variables["LLAMAPACK_TEST_STAND_IN"] == "HIP_PATH"
    assert variables["LLAMAPACK_TEST_NO_DEVICE"] == "nothing acts as the device here"


def test_nvidias_come_from_their_wheels(told: list[Mapping[str, str]], tmp_path: Path) -> None:
    run("cuda", tmp_path)
    (variables,) = told
    assert not {"HIP_PATH", "LLAMAPACK_TEST_STAND_IN"} & variables.keys()


def test_stand_ins_that_tell_are_there_for_the_cells_that_name_them() -> None:
    assert set(other_targets.WITH_STAND_INS) == {"cuda-windows-x86_64", "rocm-windows-x86_64"}
    for folder in other_targets.WITH_STAND_INS.values():
        assert list(folder.glob("test_*.py"))
        assert folder.parent == ROOT / "tests" / "devices"


@pytest.mark.parametrize(
    ("arguments", "target", "left"),
    [
        ([], "", []),
        (["-k", "logits"], "", ["-k", "logits"]),
        (["--target", "windows-x86_64", "--record"], "windows-x86_64", ["--record"]),
        (["-x", "--target", "linux-aarch64"], "linux-aarch64", ["-x"]),
    ],
)
def test_the_target_is_taken_out_of_the_arguments(arguments: list[str], target: str, left: list[str]) -> None:
    session = cast("nox.Session", SimpleNamespace(posargs=arguments))
    if target:
        with pytest.MonkeyPatch.context() as patched:
            checked: list[str] = []
            patched.setattr(other_targets, "_check", lambda session, cell: checked.append(cell.id))
            assert other_targets.checked(session, "vulkan")
        assert checked == [f"vulkan-{target}"]
    else:
        assert not other_targets.checked(session, "vulkan")
    assert arguments == left


def test_the_target_of_this_machine_is_left_to_its_own_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_targets, "host_target", lambda: "linux-aarch64")
    arguments = ["--target", "linux-aarch64"]
    assert not other_targets.checked(cast("nox.Session", SimpleNamespace(posargs=arguments)), "cuda")
    assert arguments == []


@pytest.mark.parametrize("arguments", [["--target"], ["--target", "plan9-x86_64"]])
def test_a_target_that_is_missing_or_unknown_is_refused(arguments: list[str]) -> None:
    with pytest.raises(ToolError) as caught:
        other_targets.checked(cast("nox.Session", SimpleNamespace(posargs=arguments)), "cuda")
    assert "windows-x86_64" in caught.value.fix
