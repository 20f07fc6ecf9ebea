"""What a probe left behind becomes a verdict with a reason and a remedy, as a table over data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llamapack._native.library import Abi
from llamapack.backends.children.exit_status import describe_crash
from llamapack.backends.children.processes import ProcessResult
from llamapack.backends.contract import BackendPlugin
from llamapack.backends.host.binaries.missing import MissingLibrary
from llamapack.backends.host.visible_devices import VISIBLE
from llamapack.backends.plugins import compatibility
from llamapack.backends.probing import outcome
from llamapack.backends.probing.outcome import decode, describe_missing
from llamapack.backends.verdicts import Fault, Status, Verdict, Versions, from_data, to_data

PLUGIN = BackendPlugin(
    name="vulkan",
    package="llamapack-vulkan",
    version="0.4.0",
    library=Path(__file__).absolute(),
    abi_id="8ee38a14",
    llama_commit="0c1e",
)
DEVICE: dict[str, Any] = {
    "name": "Vulkan0",
    "description": "Some GPU",
    "kind": "gpu",
    "memory_free": 1,
    "memory_total": 2,
    "error_f16": 1e-4,
    "error_quantized": 0.0,
}
UPDATE = "Update the device's driver; to do without it: python -m pip uninstall llamapack-vulkan"
REINSTALL = "python -m pip install --force-reinstall llamapack-vulkan"


@pytest.fixture(autouse=True)
def core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compatibility, "read_abi", lambda: Abi(abi_id="8ee38a14", llama_commit="0c1e", cpu_levels={}))
    monkeypatch.setattr(compatibility, "core_version", lambda: "0.4.0")
    monkeypatch.setattr(outcome, "find_missing", lambda plugin: ())
    for name in VISIBLE:
        monkeypatch.delenv(name, raising=False)


def ended(*lines: object, status: int | None = 0, output: str = "") -> ProcessResult:
    report = b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    return ProcessResult(status=status, report=report, output=output, seconds=1.23456)


def answer(*devices: dict[str, Any]) -> dict[str, Any]:
    return {"result": {"devices": list(devices), "libraries": []}}


def look(end: ProcessResult, plugin: BackendPlugin | None = PLUGIN) -> Verdict:
    return decode(end, plugin, "vulkan" if plugin else "cpu-haswell", 30)


def test_correct_devices_make_it_usable() -> None:
    found = look(ended({"step": "loading"}, answer(DEVICE), output="chatter"))
    assert (found.status, found.fault, found.reason, found.remedy) == (Status.USABLE, None, "", "")
    assert (found.plugin, found.seconds, found.output) == (PLUGIN, 1.235, "chatter")
    assert [device.name for device in found.devices] == ["Vulkan0"]
    assert from_data(json.loads(json.dumps(to_data(found))), PLUGIN, cached=False) == found


STEP = {"step": "starting the backend"}
BROKEN: list[tuple[ProcessResult, Fault, str, str]] = [
    (
        ended(STEP, status=None),
        Fault.TIMEOUT,
        "its probe was not done after 30 s and was ended while starting the backend",
        "Set LLAMAPACK_PROBE_SECONDS=120 if the device is slow to start; else update its driver.",
    ),
    (
        ended(STEP, status=-11),
        Fault.CRASH,
        "its probe crashed while starting the backend: SIGSEGV (it accessed memory that is not its own)",
        UPDATE,
    ),
    (
        ended(status=0xC000001D),
        Fault.CRASH,
        "its probe crashed: STATUS_ILLEGAL_INSTRUCTION (it used an instruction that this processor does not have)",
        UPDATE,
    ),
    (
        ended(STEP, {"fault": "crash", "reason": "exception: access violation reading 0x0"}),
        Fault.CRASH,
        "its probe crashed while starting the backend: exception: access violation reading 0x0",
        UPDATE,
    ),
    (
        ended(STEP, output="first\nlast words\n\n"),
        Fault.NO_ANSWER,
        "its probe ended without an answer while starting the backend (exit status 0): last words",
        REINSTALL,
    ),
    (
        ended(answer(DEVICE), status=3),
        Fault.NO_ANSWER,
        "its probe ended without an answer (exit status 3)",
        REINSTALL,
    ),
    (
        ended(b"\xff{"),
        Fault.NONSENSE,
        "its probe answered '\N{REPLACEMENT CHARACTER}{', which cannot be read",
        REINSTALL,
    ),
    (
        ended(STEP, [1, 2]),
        Fault.NONSENSE,
        "its probe answered '[1, 2]' while starting the backend, which cannot be read",
        REINSTALL,
    ),
    (
        ended({"fault": "unheard of", "reason": ""}),
        Fault.NONSENSE,
        """its probe answered '{"fault": "unheard of", "reason": ""}', which cannot be read""",
        REINSTALL,
    ),
    (
        ended(answer({**DEVICE, "name": 3})),
        Fault.NONSENSE,
        "its probe's answer cannot be read: 3 is not of type str",
        REINSTALL,
    ),
    (
        ended({"fault": ["loading"], "reason": ""}),
        Fault.NONSENSE,
        """its probe answered '{"fault": ["loading"], "reason": ""}', which cannot be read""",
        REINSTALL,
    ),
    (
        ended(answer({**DEVICE, "pci_id": 5})),
        Fault.NONSENSE,
        "its probe's answer cannot be read: 5 is not of type str or NoneType",
        REINSTALL,
    ),
    (
        ended(answer({**DEVICE, "kind": "toaster"})),
        Fault.NONSENSE,
        "its probe's answer cannot be read: 'toaster' is not a kind of device",
        REINSTALL,
    ),
    (
        ended({"fault": "loading", "reason": "ggml refuses it"}, output="load_backend: no\n"),
        Fault.LOADING,
        "ggml refuses it: load_backend: no",
        REINSTALL,
    ),
    (
        ended(answer({**DEVICE, "error_quantized": 0.5})),
        Fault.WRONG_RESULT,
        "on Vulkan0 (Some GPU) the quantized product differs from the CPU's by 0.5 of its norm, more than 0.01",
        UPDATE,
    ),
]


@pytest.mark.parametrize(("end", "fault", "reason", "remedy"), BROKEN)
def test_what_went_wrong_is_said(end: ProcessResult, fault: Fault, reason: str, remedy: str) -> None:
    found = look(end)
    assert (found.status, found.fault) == (Status.BROKEN, fault)
    assert found.reason == f"llamapack-vulkan 0.4.0 is not used: {reason}"
    assert found.remedy == remedy


def test_one_wrong_device_leaves_the_others() -> None:
    found = look(ended(answer(DEVICE, {**DEVICE, "name": "Vulkan1", "error_f16": 1e9})))
    assert (found.status, found.fault) == (Status.USABLE, None)
    assert found.reason.startswith("on Vulkan1 (Some GPU) the f16 product differs from the CPU's by 1e+09")
    assert found.remedy == UPDATE
    assert [device.correct for device in found.devices] == [True, False]


def test_a_product_that_is_not_offered_is_not_wrong() -> None:
    found = look(ended(answer({**DEVICE, "error_f16": None, "error_quantized": None})))
    assert found.status is Status.USABLE


def test_no_device_is_said_with_the_variables_that_hide_some(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(ended(answer())).reason == "llamapack-vulkan 0.4.0 finds no device"
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "")
    found = look(ended(answer()))
    assert found.status is Status.NO_DEVICE
    assert found.reason == "llamapack-vulkan 0.4.0 finds no device; GGML_VK_VISIBLE_DEVICES is ''"


CUDA = replace(PLUGIN, name="cuda", package="llamapack-cuda", toolkit="13.2")


def cuda(runtime: str, driver: str, *devices: dict[str, Any]) -> Verdict:
    found = {"devices": list(devices), "libraries": [], "versions": {"runtime": runtime, "driver": driver}}
    return look(ended({"result": found}), CUDA)


@pytest.mark.parametrize(("driver", "words"), [("", "there is no NVIDIA driver"), ("12.2", "the driver serves 12.2")])
def test_versions_of_build_runtime_and_driver_are_said_together(driver: str, words: str) -> None:
    found = cuda("13.2", driver)
    assert (found.status, found.versions) == (Status.NO_DEVICE, Versions(runtime="13.2", driver=driver))
    assert found.reason == (
        "llamapack-cuda 0.4.0 finds no device; it was built with CUDA 13.2, its runtime here is of 13.2, and " + words
    )
    assert from_data(json.loads(json.dumps(to_data(found))), CUDA, cached=False) == found


def test_a_runtime_that_does_not_say_its_version_is_left_out() -> None:
    found = cuda("", "")
    assert found.status is Status.NO_DEVICE
    assert found.reason == (
        "llamapack-cuda 0.4.0 finds no device; it was built with CUDA 13.2 and there is no NVIDIA driver"
    )


def test_a_runtime_older_than_the_build_is_refused() -> None:
    found = cuda("13.0", "13.5", DEVICE)
    assert (found.status, found.fault) == (Status.BROKEN, Fault.VERSION)
    assert found.reason == (
        "llamapack-cuda 0.4.0 is not used: it was built with CUDA 13.2, its runtime here is of 13.0, and the driver "
        "serves 13.5"
    )
    assert found.remedy == "python -m pip install --upgrade nvidia-cuda-runtime nvidia-cublas"
    assert cuda("13.10", "13.5", DEVICE).status is Status.USABLE


def test_missing_libraries_are_named_with_their_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = tuple(MissingLibrary(name=name, needed_by=Path("/x/liba.so")) for name in ("libvulkan.so.1", "libodd.so"))
    monkeypatch.setattr(outcome, "find_missing", lambda plugin: lost)
    found = look(ended({"fault": "loading", "reason": "libvulkan.so.1: cannot open"}))
    assert (found.status, found.fault) == (Status.BROKEN, Fault.MISSING_LIBRARY)
    assert found.reason == (
        "llamapack-vulkan 0.4.0 is not used: libvulkan.so.1 (needed by liba.so), libodd.so (needed by liba.so) "
        "are not found"
    )
    assert found.remedy == (
        "Install the Vulkan loader (package libvulkan1 or vulkan-loader, or the driver of the GPU); "
        "Install what brings libodd.so"
    )
    assert describe_missing(lost[:1]) == "libvulkan.so.1 (needed by liba.so) is not found"


def test_a_failed_check_in_the_probe_has_the_same_words_as_outside() -> None:
    found = look(ended({"fault": "exported id", "reason": "5f2c91d0"}))
    assert (found.status, found.fault) == (Status.REFUSED, Fault.EXPORTED_ID)
    assert "was built for ABI 5f2c91d0, but llamapack 0.4.0 has 8ee38a14" in found.reason
    found = look(ended({"fault": "missing symbol", "reason": "its library has no symbol x"}))
    assert (found.status, found.remedy) == (Status.REFUSED, REINSTALL)


def test_a_cpu_level_is_compared_with_python() -> None:
    wrong = {**DEVICE, "name": "CPU", "description": "Some CPU", "kind": "cpu", "error_f16": 0.25}
    found = look(ended(answer(wrong)), None)
    assert (found.package, found.fault) == ("llamapack", Fault.WRONG_RESULT)
    assert found.reason == (
        "the CPU level cpu-haswell is not used: on CPU (Some CPU) the f16 product differs from Python's by 0.25 of its "
        "norm, more than 0.01"
    )
    assert found.remedy.startswith("Set LLAMAPACK_CPU to another level")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, None),
        (1, None),
        (-4, "SIGILL (it used an instruction that this processor does not have)"),
        (-250, "signal 250"),
        (0xC0000005, "STATUS_ACCESS_VIOLATION (it accessed memory that is not its own)"),
        (-1073741819, "STATUS_ACCESS_VIOLATION (it accessed memory that is not its own)"),
        (0xC0001234, "the exception 0xc0001234"),
    ],
)
def test_statuses_are_put_into_words(status: int, words: str | None) -> None:
    assert describe_crash(status) == words
