"""The hook for PyInstaller: it is found, and asks for everything that llamapack and its plug-ins need."""

from __future__ import annotations

import runpy
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import tomllib

from tools.paths import CORE

PROGRAMS = {"llamapack": [("lib/llamapack-runner.exe", "llamapack/lib")]}


def hook() -> Path:
    """Find the hook as PyInstaller does: by the entry point of the package."""
    project = tomllib.loads((CORE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["entry-points"]["pyinstaller40"]["hook-dirs"].partition(":")
    (folder,) = getattr(import_module(module), name)()
    return Path(folder, "hook-llamapack.py")


def run_hook(monkeypatch: pytest.MonkeyPatch, plugins: list[Any]) -> dict[str, Any]:
    """Run the hook with functions that note what PyInstaller is asked for."""
    hooks = ModuleType("PyInstaller.utils.hooks")
    vars(hooks).update(
        collect_data_files=lambda package: [(f"data of {package}", "."), *PROGRAMS.get(package, [])],
        collect_dynamic_libs=lambda package: [(f"libraries of {package}", ".")],
        collect_submodules=lambda package, filter: [f"{package}.a", *filter_names(filter, f"{package}._pyinstaller.b")],
        copy_metadata=lambda distribution: [(f"metadata of {distribution}", ".")],
    )
    for name in ("PyInstaller", "PyInstaller.utils"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, hooks.__name__, hooks)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: plugins)
    return runpy.run_path(str(hook()))


def filter_names(wanted: Any, *names: str) -> list[str]:
    return [name for name in names if wanted(name)]


def test_the_core_alone_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run_hook(monkeypatch, [])
    assert found["datas"] == [("data of llamapack", "."), ("metadata of llamapack", ".")]
    assert found["binaries"] == [("libraries of llamapack", "."), *PROGRAMS["llamapack"]]
    assert found["hiddenimports"] == ["llamapack.a"]


def test_plug_ins_that_are_installed_are_packed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = SimpleNamespace(module="llamapack_vulkan.plugin", dist=SimpleNamespace(name="llamapack-vulkan"))
    found = run_hook(monkeypatch, [plugin])
    assert ("metadata of llamapack-vulkan", ".") in found["datas"]
    assert ("libraries of llamapack_vulkan", ".") in found["binaries"]
    assert found["hiddenimports"] == ["llamapack.a", "llamapack_vulkan.a"]
