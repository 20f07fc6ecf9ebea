"""Name what belongs to llamapack beside the imported modules: libraries, data files and plug-ins.

PyInstaller runs this file when a program imports llamapack, and reads the names `datas`, `binaries` and
`hiddenimports`.
"""
# ruff: noqa: N999 - PyInstaller expects this name

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from PyInstaller.utils.hooks import (  # type: ignore[import-untyped]  # it is not installed where types are checked
    collect_data_files,
    collect_dynamic_libs,
    collect_submodules,
    copy_metadata,
)

from llamapack.backends.plugins.entry_points import GROUP

datas: list[tuple[str, str]] = []
binaries: list[tuple[str, str]] = []
hiddenimports: list[str] = []

# Plug-ins are found by the metadata of their packages, and names of llamapack are imported when they are first used.
plugins = {point.module.partition(".")[0]: point.dist.name for point in entry_points(group=GROUP) if point.dist}
for package, distribution in {"llamapack": "llamapack", **plugins}.items():
    datas += collect_data_files(package) + copy_metadata(distribution)
    binaries += collect_dynamic_libs(package)
    hiddenimports += collect_submodules(package, filter=lambda name: "._pyinstaller" not in name)

# The runner is no library to PyInstaller; as a data file it could not be run.
programs = [each for each in datas if Path(each[0]).stem == "llamapack-runner"]
datas = [each for each in datas if each not in programs]
binaries += programs
