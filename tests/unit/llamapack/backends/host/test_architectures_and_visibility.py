"""Compiled code against devices, and the variables that hide devices."""

from pathlib import Path

import pytest
from llamapack.backends.contract import Target
from llamapack.backends.host.architectures import describe_targets, nearest_override, parse_gfx, parse_override, runs
from llamapack.backends.host.visible_devices import VISIBLE, Selection, hides_all, select, visible_gpus
from llamapack.backends.probing.fingerprint import driver_variables
from llamapack.diagnostics.report import shown_variables

from tests.support import recorded_hosts as hosts
from tests.support.recorded_hosts import Recording, replay
from tools.util import inherited


def real(name: str) -> Target:
    return Target(kind="real", name=name)


def ptx(name: str) -> Target:
    return Target(kind="ptx", name=name)


def gfx(*names: str) -> tuple[Target, ...]:
    return tuple(Target(kind="gfx", name=name) for name in names)


@pytest.mark.parametrize(
    ("capability", "targets", "expected"),
    [
        ("9.0", (real("90"),), True),
        ("8.9", (real("80"),), True),  # the same major version, a later minor one
        ("8.0", (real("86"),), False),
        ("9.0", (real("80"),), False),
        ("12.0", (real("120"),), True),
        ("10.0", (real("12.0"),), False),
        ("12.1", (real("120a"),), False),
        ("12.0", (real("120a"),), True),
        ("12.1", (real("120f"),), True),
        ("7.5", (ptx("80"),), False),
        ("12.0", (ptx("80"),), True),
        ("10.0", (ptx("90a"),), False),
        ("6.1", (real("75"), ptx("80")), False),
        ("gfx1100", gfx("gfx1100"), True),
        ("gfx1101", gfx("gfx1100"), False),
        ("gfx90a:sramecc+:xnack-", gfx("gfx90a"), True),
        ("gfx1102", gfx("gfx11-generic"), True),
        ("gfx1036", gfx("gfx10-3-generic"), True),
        ("gfx908", gfx("gfx9-generic"), False),
        ("9.0", gfx("gfx900"), False),
        ("9.0", (), True),
        (None, (real("90"),), True),
        ("an unheard-of chip", (real("90"),), True),
    ],
)
def test_code_runs_where_the_vendors_say(capability: str | None, targets: tuple[Target, ...], expected: bool) -> None:
    assert runs(capability, targets) is expected


def test_targets_are_named_for_people() -> None:
    assert describe_targets((real("86"), ptx("sm_120"), *gfx("gfx90a"))) == "8.6, 12.0 and newer (PTX), gfx90a"


@pytest.mark.parametrize(
    ("text", "name"),
    [("10.3.0", "gfx1030"), ("9.0.10", "gfx90a"), ("11.0.0", "gfx1100"), ("10.3", None), ("", None), ("64.0.0", None)],
)
def test_overrides_are_read_as_rocm_does(text: str, name: str | None) -> None:
    assert parse_override(text) == name


@pytest.mark.parametrize(
    ("device", "override"),
    [("gfx1036", "10.3.0"), ("gfx1103", "11.0.0"), ("gfx90c", "9.0.10"), ("gfx1201", None), ("9.0", None)],
)
def test_the_nearest_override_is_of_the_same_generation(device: str, override: str | None) -> None:
    assert nearest_override(device, gfx("gfx90a", "gfx1030", "gfx1100", "gfx1101")) == override


def test_gfx_names_are_read() -> None:
    assert [parse_gfx(name) for name in ("gfx90a", "gfx1201", "gfx", "sm_90")] == [(9, 0, 10), (12, 0, 1), None, None]


FIRST, SECOND = "0000:01:00.0", "0000:41:00.0"


@pytest.mark.parametrize(
    ("value", "gpus", "problem"),
    [
        ("0", (FIRST,), ""),
        ("1,0", (SECOND, FIRST), ""),
        ("0,0", (FIRST,), ""),
        ("1,-1,0", (SECOND,), ""),
        ("0,7,1", (FIRST,), "there is no device 7: 2 were found"),
        (hosts.RTX_4090, (SECOND,), ""),
        ("GPU-1c2d", (SECOND,), ""),
        ("gpu-1C2D3E4F", (SECOND,), ""),
        ("GPU-ffff", (), "'GPU-ffff' names 0 of the 2 devices"),
        ("--1", (), "'--1' is neither an index nor a UUID"),
        ("\N{SUPERSCRIPT TWO}", (), "'\N{SUPERSCRIPT TWO}' is neither an index nor a UUID"),
        ("9" * 5000, (), f"'{'9' * 5000}' is neither an index nor a UUID"),
        ("GPU-", (), "'GPU-' is neither an index nor a UUID"),
        ("first", (), "'first' is neither an index nor a UUID"),
        ("MIG-7c2a0b1e-aaaa-bbbb-cccc-0123456789ab", None, ""),
        (f"MIG-{hosts.RTX_4090}/1/0", (), f"'MIG-{hosts.RTX_4090}/1/0' names a MIG instance that is not there"),
    ],
)
def test_visible_devices_are_read(tmp_path: Path, value: str, gpus: tuple[str, ...] | None, problem: str) -> None:
    facts = replay(hosts.TWO_NVIDIA, tmp_path)
    assert select(value, facts.gpus, order_is_known=True) == Selection(gpus=gpus, problem=problem)


def test_a_mig_instance_belongs_to_its_gpu(tmp_path: Path) -> None:
    facts = replay(hosts.MIG, tmp_path)
    assert select(f"MIG-{hosts.H100}/2/0", facts.gpus, order_is_known=True) == Selection(gpus=("0000:17:00.0",))


@pytest.mark.parametrize(
    ("recording", "variables", "gpus"),
    [
        # CUDA counts the fastest first, so an index says nothing about two different ones
        (hosts.TWO_NVIDIA, {"CUDA_VISIBLE_DEVICES": "0"}, None),
        (hosts.TWO_NVIDIA, {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, (FIRST,)),
        (hosts.TWO_NVIDIA, {"CUDA_VISIBLE_DEVICES": hosts.GTX_1080}, (FIRST,)),
        (hosts.TWO_NVIDIA, {"CUDA_VISIBLE_DEVICES": ""}, ()),
        (hosts.ONE_NVIDIA, {"CUDA_VISIBLE_DEVICES": "0"}, (FIRST,)),
    ],
)
def test_what_cuda_sees_is_told_from_outside(
    tmp_path: Path, recording: Recording, variables: dict[str, str], gpus: tuple[str, ...] | None
) -> None:
    assert visible_gpus("nvidia", replay(recording, tmp_path, variables)) == Selection(gpus=gpus)


def test_without_variables_everything_is_seen(tmp_path: Path) -> None:
    facts = replay(hosts.TWO_NVIDIA, tmp_path, {"GGML_VK_VISIBLE_DEVICES": "0"})
    assert visible_gpus("nvidia", facts) is None
    assert visible_gpus("intel", facts) is None


@pytest.mark.parametrize(
    ("backend", "variables", "setting"),
    [
        ("cuda", {}, ""),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "0"}, ""),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "-1,0"}, "CUDA_VISIBLE_DEVICES=-1,0"),
        ("cuda", {"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, "CUDA_VISIBLE_DEVICES=NoDevFiles"),
        ("rocm", {"ROCR_VISIBLE_DEVICES": "0", "HIP_VISIBLE_DEVICES": "-1"}, "HIP_VISIBLE_DEVICES=-1"),
        ("rocm", {"CUDA_VISIBLE_DEVICES": "-1"}, "CUDA_VISIBLE_DEVICES=-1"),
        ("rocm", {"CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "0"}, ""),
        ("vulkan", {"GGML_VK_VISIBLE_DEVICES": ""}, "GGML_VK_VISIBLE_DEVICES="),
        ("vulkan", {"CUDA_VISIBLE_DEVICES": "-1"}, ""),
        ("metal", {"CUDA_VISIBLE_DEVICES": "-1"}, ""),
    ],
)
def test_hiding_everything_is_noticed(backend: str, variables: dict[str, str], setting: str) -> None:
    assert hides_all(backend, variables) == setting


@pytest.mark.parametrize("name", VISIBLE)
def test_a_variable_that_hides_devices_is_known_everywhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "7")
    lists = {
        "`_matters` in host/facts.py": name in replay(hosts.EMPTY, tmp_path, {name: "7"}).variables,
        "`PREFIXES` in probing/fingerprint.py": name in driver_variables(),
        "`_VARIABLES` in diagnostics/report.py": name in shown_variables({name: "7"}),
        "`DEVICES` in tools/util/inherited.py": name.startswith(inherited.DEVICES),
    }
    assert [place for place, known in lists.items() if not known] == [], f"add {name} there"
