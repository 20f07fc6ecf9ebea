"""The doctor's report: what it concludes and what it leaves out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from llamapack.backends.contract import BackendPlugin
from llamapack.backends.cpu import CpuChoice, CpuLevel
from llamapack.backends.host.facts import HostFacts
from llamapack.backends.host.foreign_libraries import ForeignLibrary
from llamapack.backends.verdicts import Fault, ProbedDevice, Status, Verdict
from llamapack.cli.doctor import STATUS, doctor
from llamapack.diagnostics import report
from llamapack.diagnostics.installed_files import InstalledPackage
from llamapack.diagnostics.report import BROKEN, DEGRADED, HEALTHY, add_backends, gather, shortened
from llamapack.errors import InstallationError

from tests.support import recorded_hosts as hosts
from tests.support.report_keys import PAGE, documented, paths

CPU = Path("/lib/cpu.so")
GPU = ProbedDevice(name="Vulkan0", description="A GPU", kind="gpu", uuid="GPU-1", memory_free=2**30, memory_total=2**31)
PLUGIN = BackendPlugin(
    name="vulkan",
    package="llamapack-vulkan",
    version="1.0",
    library=Path("/lib/vulkan.so"),
    abi_id="5f2c",
    llama_commit="0c1e",
)
WORKING = Verdict(
    name="vulkan", package="llamapack-vulkan", status=Status.USABLE, plugin=PLUGIN, devices=(GPU,), seconds=0.5
)
PACKAGE = InstalledPackage(name="llamapack", version="1.0", sbom="5" * 64, compared=True)
REFUSED = Verdict(
    name="cuda",
    package="llamapack-cuda",
    status=Status.REFUSED,
    fault=Fault.ABI_ID,
    reason="llamapack-cuda 0.9 was built for ABI 5f2c, but llamapack 1.0 has 9a1e; it is not used",
    remedy='python -m pip install "llamapack-cuda==1.0"',
)


class Known:
    """A survey that is done."""

    def __init__(self, *verdicts: Verdict) -> None:
        self._verdicts = verdicts
        self.host: HostFacts = hosts.NOWHERE

    def verdicts(self, names: Sequence[str] | None, cpu: Path) -> tuple[Verdict, ...]:
        return self._verdicts


def start() -> dict[str, Any]:
    """The report before the plug-ins are looked at."""
    system = {
        "platform": "Linux-6",
        "machine": "x86_64",
        "python": "3.12.1",
        "executable": "/usr/bin/python",
        "container": "docker",
        "wsl": False,
        "variables": {"CUDA_VISIBLE_DEVICES": "0"},
        "gpus": [{"pci_id": "0000:01:00.0", "vendor": "nvidia", "driver": "nvidia", "name": "RTX", "gfx": ""}],
        "nvidia_driver": "580.82.07",
        "cuda_library": "580.82.07",
        "vulkan_drivers": [],
    }
    core = {"version": "1.0", "llama_cpp": "b1", "llama_cpp_commit": "0c1e", "abi_id": "9a1e", "libraries": "/lib"}
    core_facts: dict[str, Any] = {**core, "loaded": ["/lib/a.so"]}
    probe = {**report.probed(Verdict(name="cpu", package="llamapack", status=Status.USABLE))}
    cpu = {"chosen": "haswell", "reason": "highest score", "levels": [], "probe": probe}
    return {
        "schema": report.SCHEMA,
        "status": HEALTHY,
        "problems": [],
        "system": system,
        "packages": [PACKAGE.to_data()],
        "core": core_facts,
        "cpu": cpu,
        "threads": {"count": 2, "reason": "2 physical cores"},
    }


def examined(*verdicts: Verdict) -> dict[str, Any]:
    return add_backends(start(), Known(*verdicts), CPU)


@pytest.mark.parametrize(
    ("verdicts", "status", "used"),
    [
        ((), HEALTHY, []),
        ((WORKING,), HEALTHY, ["Vulkan0"]),
        ((WORKING, REFUSED), DEGRADED, ["Vulkan0"]),
        ((REFUSED,), DEGRADED, []),
        ((Verdict(name="rocm", package="llamapack-rocm", status=Status.NO_DEVICE),), DEGRADED, []),
        ((WORKING, Verdict(name="rocm", package="llamapack-rocm", status=Status.NO_DEVICE)), HEALTHY, ["Vulkan0"]),
    ],
)
def test_the_status_goes_by_what_is_lost(verdicts: tuple[Verdict, ...], status: str, used: list[str]) -> None:
    found = examined(*verdicts)
    assert found["status"] == status
    assert [device["name"] for device in found["choice"]["devices"]] == used
    assert bool(found["problems"]) is (status != HEALTHY)


def test_a_refused_backend_has_its_reason_and_its_remedy() -> None:
    (backend,) = examined(REFUSED)["backends"]
    assert (backend["status"], backend["fault"], backend["used"]) == ("refused", "abi id", False)
    assert backend["reason"] == REFUSED.reason
    assert backend["remedy"] == REFUSED.remedy


def test_a_variable_that_names_nothing_is_a_problem_and_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMAPACK_BACKENDS", "vulcan")
    found = examined(WORKING)
    assert found["status"] == DEGRADED
    assert found["problems"][0]["what"] == "There is no backend 'vulcan' (LLAMAPACK_BACKENDS)."
    assert [device["name"] for device in found["choice"]["devices"]] == ["Vulkan0"]


def test_what_tells_machines_apart_is_left_out() -> None:
    assert "GPU-1" not in json.dumps(examined(WORKING))


def test_only_variables_that_matter_are_shown() -> None:
    environment = {"LLAMAPACK_CPU": "x64", "SECRET": "1", "HF_TOKEN": "2", "CUDA_VISIBLE_DEVICES": "0", "PATH": "/bin"}
    assert report.shown_variables(environment) == {"CUDA_VISIBLE_DEVICES": "0", "LLAMAPACK_CPU": "x64"}


def test_what_may_be_a_secret_is_shown_without_its_value() -> None:
    environment = {"NVIDIA_API_KEY": "nvapi-1", "LLAMAPACK_TOKEN": "2", "HIP_PATH": "/opt", "CUDA_KEYBOARD": "de"}
    environment["LLAMAPACK_MIRROR"] = "see https://me:geheim@mirror.example/x, http://other@b"
    assert report.shown_variables(environment) == {
        "CUDA_KEYBOARD": "de",
        "HIP_PATH": "/opt",
        "LLAMAPACK_MIRROR": "see https://(hidden)@mirror.example/x, http://(hidden)@b",
        "LLAMAPACK_TOKEN": "(hidden)",
        "NVIDIA_API_KEY": "(hidden)",
    }


def test_the_home_folder_is_shortened_everywhere() -> None:
    value = {"a": ["/home/me/lib", {"b": "x:/home/me"}], "c": 1, "d": None, "e": ("/home/me/1", "/home/me2/1")}
    assert shortened(value, ["/home/me"]) == {
        "a": ["~/lib", {"b": "x:~"}],
        "c": 1,
        "d": None,
        "e": ["~/1", "/home/me2/1"],
    }


def test_a_home_folder_behind_a_link_is_shortened_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "me").symlink_to("data")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "me")
    assert shortened([f"{tmp_path}/me/a", f"{tmp_path}/data/b"]) == ["~/a", "~/b"]
    monkeypatch.setattr(Path, "home", lambda: Path("/"))
    assert shortened("/root") == "/root"


def test_a_user_without_a_home_gets_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    assert shortened("/root") == "/root"


@pytest.mark.parametrize(("fault", "status"), [(Fault.TIMEOUT, DEGRADED), (Fault.CRASH, BROKEN)])
def test_a_level_that_could_not_be_tried_is_not_broken(
    monkeypatch: pytest.MonkeyPatch, fault: Fault, status: str
) -> None:
    level = CpuLevel(name="haswell", path=CPU, features=(), score=1)
    verdict = Verdict(name="cpu", package="llamapack", status=Status.BROKEN, fault=fault, reason="why", remedy="fix")
    monkeypatch.setattr(report, "_core", lambda cpu: {"cpu": {}})
    monkeypatch.setattr(report, "installed_packages", lambda: [PACKAGE])
    monkeypatch.setattr(report, "load_cpu", lambda cpu: CpuChoice(level=level, reason=""))
    monkeypatch.setattr(report, "probe_cpu", lambda library: verdict)
    monkeypatch.setattr(report, "survey_backends", lambda library: Known())
    monkeypatch.setattr(report, "find_foreign", lambda own: ())
    found = gather()
    assert found["status"] == status
    assert [(each["why"], each["fix"]) for each in found["problems"]] == [("why", "fix")]


def test_a_damaged_installation_is_reported_and_not_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str | None) -> dict[str, Any]:
        raise InstallationError("The library x is missing.", fix="Reinstall.")

    monkeypatch.setattr(report, "core_facts", fail)
    monkeypatch.setattr(report, "installed_packages", lambda: [replace(PACKAGE, missing=("llamapack/lib/x",))])
    found = gather()
    assert found["status"] == BROKEN
    assert found["problems"][0]["what"] == "Files of llamapack are not those that were installed."
    assert found["problems"][1:] == [{"what": "The library x is missing.", "why": "", "fix": "Reinstall."}]
    assert found["system"]["python"]


def test_a_foreign_ggml_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ForeignLibrary(path=Path("/usr/lib/libggml.so"), where="process", owner="llama_cpp")
    monkeypatch.setattr(report, "find_foreign", lambda own: (library,))
    found = examined(WORKING)
    assert [each["owner"] for each in found["foreign"]] == ["llama_cpp"]
    assert "of the package llama_cpp is loaded in this process" in run(monkeypatch, found)[1]


def run(monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(report, "gather", lambda cpu: found)
    result = CliRunner().invoke(doctor, arguments)
    return result.exit_code, result.output


@pytest.mark.parametrize(("verdicts", "status"), [((WORKING,), 0), ((REFUSED,), 4)])
def test_the_exit_status_tells_how_it_is(
    monkeypatch: pytest.MonkeyPatch, verdicts: tuple[Verdict, ...], status: int
) -> None:
    assert run(monkeypatch, examined(*verdicts))[0] == status
    assert run(monkeypatch, examined(*verdicts), "--json")[0] == status


def test_a_broken_installation_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {"status": BROKEN, "problems": [{"what": "It is broken.", "why": "", "fix": ""}]}
    found = {
        "schema": 1,
        **broken,
        "system": start()["system"],
        "packages": [],
        "backends": [],
        "foreign": [],
        "choice": None,
    }
    assert run(monkeypatch, found)[0] == 1
    assert "It is broken." in run(monkeypatch, found)[1]


def test_the_text_has_verdicts_devices_reasons_and_whole_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    _, text = run(monkeypatch, examined(WORKING, REFUSED))
    for words in (
        "llamapack 1.0, llama.cpp b1, ABI 9a1e",
        "in a container (docker)",
        "CUDA_VISIBLE_DEVICES=0",
        f"llamapack 1.0: files as installed, bill of materials sha256:{'5' * 64}",
        "CPU level haswell: highest score; tried: usable",
        "1.0 / 2.0 GiB",
        "A model would run on Vulkan0.",
        'python -m pip install "llamapack-cuda==1.0"',
    ):
        assert words in text
    assert re.search(r"cuda +\| llamapack-cuda +\| refused +\| no", text)
    assert text.endswith("\ndegraded\n")


def test_every_key_is_documented() -> None:
    found = examined(WORKING, REFUSED)
    found["cpu"]["levels"] = [{"name": "x64", "score": 1, "used": False, "reason": ""}]
    found["foreign"] = [{"path": "/usr/lib/libggml.so", "where": "process", "owner": None, "meaning": ""}]
    part = {"kind": "vision", "type": "mlp", "width": 64, "image_size": 32, "patch_size": 16, "tokens": 4}
    found["projector"] = {"model": "a.gguf", "file": "b.gguf", "reason": "", "takes": [part]}
    found["faults"] = [{"time": "", "model": "m", "kind": "crash", "what": "", "why": ""}]
    assert documented() == paths(found)


def test_the_statuses_are_documented() -> None:
    assert dict(re.findall(r"^\| (\w+) \| (\d) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == {
        name: str(number) for name, number in STATUS.items()
    }
