"""The probe outlives whatever a plug-in does, and says what it was: real processes, with tests/support/plugins."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from llamapack.backends.contract import BackendPlugin, read_plugin
from llamapack.backends.cpu import CpuLevel, cpu_levels
from llamapack.backends.probing.probe import probe, probe_cpu
from llamapack.backends.verdicts import TOLERANCE, Fault, Status, Verdict

from tests.support.children import python
from tests.support.plugins.making import Core, Plugin, compiler, make_installed
from tests.support.processes import lives

Make = Callable[[Plugin], BackendPlugin]


@pytest.fixture(scope="module")
def level() -> CpuLevel:
    return max(cpu_levels(), key=lambda level: level.score)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "cache"))
    for variable in ("LLAMAPACK_PROBE", "LLAMAPACK_PROBE_SECONDS"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="module")
def make(core: Core, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Build a plug-in and return its description."""

    def build(plugin: Plugin) -> BackendPlugin:
        return read_plugin(make_installed(plugin, core, tmp_path_factory.mktemp("plugin")))

    return build


def look(plugin: BackendPlugin, level: CpuLevel, seconds: float = 30) -> Verdict:
    return probe([plugin], level.path, seconds=seconds)[0]


def test_a_good_plugin_computes_what_the_cpu_does(make: Make, level: CpuLevel) -> None:
    plugin = make(Plugin(devices=2, device_id="0000:01:00.0"))
    verdict = look(plugin, level)
    assert (verdict.status, verdict.reason, verdict.remedy, verdict.fault) == (Status.USABLE, "", "", None)
    assert [(device.name, device.kind, device.pci_id) for device in verdict.devices] == [
        ("Example0", "gpu", "0000:01:00.0"),
        ("Example1", "gpu", "0000:01:00.0"),
    ]
    assert [device.memory_total for device in verdict.devices] == [4 << 30, 4 << 30]
    assert all(device.error_f16 is not None and device.error_f16 < TOLERANCE / 10 for device in verdict.devices)
    assert all(device.error_quantized is not None for device in verdict.devices)
    assert plugin.library in verdict.libraries


def test_a_device_that_is_avoided_is_listed_and_not_computed_on(make: Make, level: CpuLevel) -> None:
    plugin = make(Plugin(device_id="0000:0C:00.0", fault="abort"))
    (verdict,) = probe([plugin], level.path, avoided=("0000:0c:00.0",), seconds=30)
    assert (verdict.status, verdict.fault) == (Status.USABLE, None)
    (device,) = verdict.devices
    assert (device.name, device.error_f16, device.error_quantized) == ("Example0", None, None)
    assert look(plugin, level).fault is Fault.CRASH  # the cause is that it computes


def test_a_plugin_without_devices_has_none(make: Make, level: CpuLevel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    verdict = look(make(Plugin(devices=0)), level)
    assert verdict.status is Status.NO_DEVICE
    assert verdict.reason.startswith("llamapack-example 0.")
    assert verdict.reason.endswith(" finds no device; CUDA_VISIBLE_DEVICES is '-1'")


FAULTS = [
    ("segv", "load", Fault.CRASH, r"its probe crashed while loading the library: SIGSEGV \(it accessed memory .*\)"),
    ("segv", "compute", Fault.CRASH, r"its probe crashed while computing on device 0, Example0: SIGSEGV .*"),
    ("ill", "init", Fault.CRASH, r"its probe crashed while starting the backend: SIGILL \(it used an instruction .*\)"),
    ("abort", "list", Fault.CRASH, r"its probe crashed while starting the backend: SIGABRT \(it gave up by itself\)"),
    (
        "exit",
        "compute",
        Fault.NO_ANSWER,
        r"its probe ended without an answer while computing on .* \(exit status 0\).*",
    ),
    ("garbage", "compute", Fault.NONSENSE, r"its probe answered '\{\"devices.*' while computing on .*"),
]


@pytest.mark.parametrize(("fault", "at", "found", "reason"), FAULTS)
def test_faults_are_named(make: Make, level: CpuLevel, fault: str, at: str, found: Fault, reason: str) -> None:
    plugin = make(Plugin(fault=fault, at=at))  # type: ignore[arg-type]  # from the table above
    verdict = look(plugin, level)
    assert (verdict.status, verdict.fault) == (Status.BROKEN, found)
    said = verdict.reason.removeprefix(f"llamapack-example {plugin.version} is not used: ")
    assert re.fullmatch(reason, said), said
    assert "llamapack-example" in verdict.remedy


def test_a_hanging_plugin_is_ended_in_time(make: Make, level: CpuLevel) -> None:
    began = time.monotonic()
    verdict = look(make(Plugin(fault="hang")), level, seconds=3)
    assert 3 <= time.monotonic() - began < 6
    assert verdict.fault is Fault.TIMEOUT
    assert "not done after 3 s and was ended while computing on device 0, Example0" in verdict.reason
    assert "LLAMAPACK_PROBE_SECONDS" in verdict.remedy


def test_plugins_are_probed_at_the_same_time(make: Make, level: CpuLevel) -> None:
    hanging = [make(Plugin(name=name, fault="hang")) for name in ("one", "two")]
    began = time.monotonic()
    verdicts = probe([hanging[0], make(Plugin()), hanging[1]], level.path, seconds=4)
    assert time.monotonic() - began < 7
    assert [verdict.fault for verdict in verdicts] == [Fault.TIMEOUT, None, Fault.TIMEOUT]


def test_a_flood_of_words_is_cut_short(make: Make, level: CpuLevel) -> None:
    verdict = look(make(Plugin(fault="flood")), level)
    assert verdict.status is Status.USABLE
    assert 1000 < len(verdict.output) <= 8 << 10


def test_a_wrong_product_is_found(make: Make, level: CpuLevel) -> None:
    verdict = look(make(Plugin(scale=1.02)), level)
    assert (verdict.status, verdict.fault) == (Status.BROKEN, Fault.WRONG_RESULT)
    assert "product differs from the CPU's by 0.02 of its norm, more than 0.01" in verdict.reason


@pytest.mark.parametrize("session", ["same", "own"])
def test_a_grandchild_does_not_outlive_the_probe(
    make: Make, level: CpuLevel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, session: str
) -> None:
    name = tmp_path / "grandchild"
    monkeypatch.setenv("LLAMAPACK_EXAMPLE_GRANDCHILD", str(name))
    if session == "own":
        monkeypatch.setenv("LLAMAPACK_EXAMPLE_SESSION", "1")
    began = time.monotonic()
    verdict = look(make(Plugin(fault="grandchild")), level)
    assert verdict.status is Status.USABLE
    assert time.monotonic() - began < 20
    assert not lives(int(name.read_text()))


def test_an_absent_library_is_named(make: Make, level: CpuLevel) -> None:
    verdict = look(make(Plugin(needs="libnowhere.so")), level)
    assert (verdict.status, verdict.fault) == (Status.BROKEN, Fault.MISSING_LIBRARY)
    assert verdict.reason.endswith("is not used: libnowhere.so (needed by libggml-example.so) is not found")
    assert verdict.remedy == "Install what brings libnowhere.so"


def test_a_missing_symbol_is_named(make: Make, level: CpuLevel) -> None:
    verdict = look(make(Plugin(init=False)), level)
    assert (verdict.status, verdict.fault) == (Status.REFUSED, Fault.MISSING_SYMBOL)
    assert verdict.reason.endswith("is not used: its library has no symbol ggml_backend_init")


def test_another_exported_id_is_refused_before_registering(make: Make, level: CpuLevel) -> None:
    plugin = make(Plugin(exported_abi_id="0badcafe", fault="abort", at="init"))
    verdict = look(plugin, level)
    assert (verdict.status, verdict.fault) == (Status.REFUSED, Fault.EXPORTED_ID)
    assert "was built for ABI 0badcafe" in verdict.reason


def test_every_level_that_runs_here_computes_what_python_does() -> None:
    verdicts = {level.name: probe_cpu(level.path) for level in cpu_levels() if level.supported}
    said = {name: (verdict.status, verdict.reason) for name, verdict in verdicts.items()}
    assert said == dict.fromkeys(verdicts, (Status.USABLE, ""))
    assert all(verdict.devices[0].kind == "cpu" for verdict in verdicts.values())
    assert all((verdict.devices[0].error_quantized or 0) < TOLERANCE / 10 for verdict in verdicts.values())


def test_a_verdict_is_remembered(make: Make, level: CpuLevel, tmp_path: Path) -> None:
    plugin = make(Plugin())
    first = look(plugin, level)
    began = time.perf_counter()
    second = look(plugin, level)
    assert (first.cached, second.cached) == (False, True)
    assert second.devices == first.devices
    assert time.perf_counter() - began < 0.05
    os.utime(plugin.library)
    assert look(plugin, level).cached is False


@pytest.mark.parametrize(("mode", "kept"), [("cached", ["cpu-*"]), ("never", [])])
def test_the_level_in_use_is_probed_once(tmp_path: Path, mode: str, kept: list[str]) -> None:
    code = "import llamapack; print(len(llamapack.devices()))"
    for _ in range(2):
        answer = python(code, LLAMAPACK_CACHE_DIR=str(tmp_path / "new"), LLAMAPACK_PROBE=mode)
        assert (answer.status, answer.err) == (0, "")
    found = sorted((tmp_path / "new" / "verdicts").glob("*.json")) if (tmp_path / "new").exists() else []
    assert [path.match(pattern) for path, pattern in zip(found, kept, strict=True)] == [True] * len(kept)


CUDA_DRIVER = r"""
#include <string.h>
int cuInit(unsigned flags) { return flags; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGet(int *device, int index) { *device = 10 + index; return 0; }
int cuDeviceGetPCIBusId(char *text, int size, int device) {
    strncpy(text, device == 10 ? "0000:0A:00.0" : "0000:C1:00.0", size);
    return 0;
}
int cuDeviceGetUuid_v2(unsigned char *uuid, int device) { memset(uuid, device, 16); return 0; }
int cuDeviceGetAttribute(int *value, int kind, int device) { *value = kind == 75 ? device - 2 : kind - 70; return 0; }
"""


def test_cuda_devices_have_what_the_driver_says(
    make: Make, level: CpuLevel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "driver.c").write_text(CUDA_DRIVER, encoding="utf-8")
    words = [compiler(), "-shared", "-fPIC", "-w", tmp_path / "driver.c", "-o", tmp_path / "libcuda.so.1"]
    subprocess.run([str(word) for word in words], check=True)
    plugin = make(Plugin(name="cuda", device_id="0000:c1:00.0"))
    assert [device.capability for device in look(plugin, level).devices] == [None]
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    found = look(plugin, level).devices[0]
    assert (found.uuid, found.capability) == ("GPU-0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b", "9.6")
