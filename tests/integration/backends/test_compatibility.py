"""Each compatibility check with real libraries: what fails only one of them is refused by that one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import llamapack
import pytest
from llamapack._native.modules import exported_abi_id
from llamapack.backends.contract import BackendPlugin, read_plugin
from llamapack.backends.cpu import cpu_levels
from llamapack.backends.plugins.compatibility import (
    check_before_loading,
    check_description,
    check_exported_id,
    check_soname,
    check_version,
)
from llamapack.backends.plugins.entry_points import core_version
from llamapack.backends.probing.probe import probe
from llamapack.backends.verdicts import Fault, Status

from tests.support.plugins.making import Core, Plugin, make_installed


def make(plugin: Plugin, core: Core, folder: Path) -> BackendPlugin:
    return read_plugin(make_installed(plugin, core, folder))


def refusing(plugin: BackendPlugin) -> dict[int, Fault | None]:
    """The layers that refuse `plugin`, each asked by itself, and with which fault."""
    version = core_version()
    answers = {
        1: check_version(plugin, version),
        2: check_description(plugin, version),
        3: check_soname(plugin, version),
    }
    if 3 not in [layer for layer, verdict in answers.items() if verdict]:  # else it cannot be loaded
        answers[4] = check_exported_id(plugin, exported_abi_id(plugin.library))
    return {layer: verdict.fault for layer, verdict in answers.items() if verdict is not None}


@pytest.mark.parametrize(
    ("plugin", "layers"),
    [
        (Plugin(), {}),
        (Plugin(version="9.9"), {1: Fault.VERSION}),
        (Plugin(stated_abi_id="0badcafe"), {2: Fault.ABI_ID}),
        (Plugin(linked_abi_id="0badcafe"), {3: Fault.SONAME}),
        (Plugin(exported_abi_id="0badcafe"), {4: Fault.EXPORTED_ID}),
        (Plugin(exported_abi_id=""), {4: Fault.MISSING_SYMBOL}),
    ],
)
def test_each_layer_refuses_alone(core: Core, tmp_path: Path, plugin: Plugin, layers: dict[int, Fault]) -> None:
    assert refusing(make(plugin, core, tmp_path)) == layers


def test_the_version_is_that_of_the_installed_package(core: Core) -> None:
    assert core_version() == core.version == llamapack.__version__


def test_a_core_upgraded_alone_names_the_command(core: Core, tmp_path: Path) -> None:
    plugin = make(
        Plugin(stated_abi_id="0badcafe", linked_abi_id="0badcafe", exported_abi_id="0badcafe"), core, tmp_path
    )
    verdict = check_before_loading(plugin)
    assert verdict is not None
    assert (verdict.status, verdict.fault) == (Status.REFUSED, Fault.ABI_ID)
    assert verdict.remedy == (
        "python -m pip install --force-reinstall --no-deps "
        f'"llamapack=={core.version}" "llamapack-example=={core.version}"'
    )


def test_another_ggml_base_that_slips_through_is_caught_by_the_probe(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "cache"))
    plugin = make(Plugin(linked_abi_id="0badcafe"), core, tmp_path)
    level = max(cpu_levels(), key=lambda level: level.score)
    verdict = probe([plugin], level.path)[0]
    assert verdict.fault is Fault.MISSING_LIBRARY
    assert "libggml-base-0badcafe.so (needed by libggml-example.so) is not found" in verdict.reason


ASK = """
import os, sys
from pathlib import Path
from llamapack.backends.contract import read_plugin
from llamapack.backends.probing.probe import probe
verdict = probe([read_plugin(Path(sys.argv[1]))], Path(sys.argv[2]))[0]
assert verdict.status == "usable", verdict
os.write(1, b"cached\\n" if verdict.cached else b"probed\\n")
"""


@pytest.mark.parametrize("count", [int(os.environ.get("LLAMAPACK_TEST_PROCESSES", "12"))])
def test_of_processes_that_start_at_once_one_probes(core: Core, tmp_path: Path, count: int) -> None:
    folder = make_installed(Plugin(), core, tmp_path)
    level = max(cpu_levels(), key=lambda level: level.score)
    env = {**os.environ, "LLAMAPACK_CACHE_DIR": str(tmp_path / "cache"), "LLAMAPACK_PROBE": "cached"}
    words = [sys.executable, "-c", ASK, str(folder), str(level.path)]
    children = [subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(count)]
    answers = [(child.communicate(timeout=300), child.returncode) for child in children]
    assert {(err, status) for (_, err), status in answers} == {(b"", 0)}
    assert sorted(out for (out, _), _ in answers) == [b"cached\n"] * (count - 1) + [b"probed\n"]
