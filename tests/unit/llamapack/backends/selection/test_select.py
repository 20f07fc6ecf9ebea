"""Which backends and devices are chosen, as a table over verdicts and recorded hosts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from llamapack.backends.contract import BackendPlugin, Target
from llamapack.backends.selection.decisions import Choice
from llamapack.backends.selection.request import Request, read_request
from llamapack.backends.selection.select import choose
from llamapack.backends.verdicts import DeviceKind, Fault, ProbedDevice, Status, Verdict
from llamapack.errors import BackendError, InputError

from tests.support import recorded_hosts as hosts
from tests.support.recorded_hosts import Recording, replay

AUTO = Request()
FIRST, SECOND, AMD, SMALL = "0000:01:00.0", "0000:41:00.0", "0000:03:00.0", "0000:0c:00.0"


def device(name: str, pci_id: str | None = None, kind: DeviceKind = "gpu", **more: object) -> ProbedDevice:
    return replace(
        ProbedDevice(name=name, description=name, kind=kind, pci_id=pci_id, memory_free=2**33, memory_total=2**34),
        **more,  # type: ignore[arg-type]  # the names are ProbedDevice's
    )


def found(
    name: str,
    *devices: ProbedDevice,
    status: Status = Status.USABLE,
    targets: tuple[Target, ...] = (),
    floor: str | None = None,
    reason: str = "",
    remedy: str = "",
    fault: Fault | None = None,
) -> Verdict:
    plugin = BackendPlugin(
        name=name,
        package=f"llamapack-{name}",
        version="1.0",
        library=Path("/lib") / name,
        abi_id="5f2c",
        llama_commit="0c1e",
        targets=targets,
        driver_floor=floor,
    )
    return Verdict(
        name=name,
        package=plugin.package,
        status=status,
        plugin=plugin,
        devices=devices,
        reason=reason,
        remedy=remedy,
        fault=fault,
    )


def kept_out(name: str, status: Status, reason: str, remedy: str = "python -m pip install it") -> Verdict:
    return found(name, status=status, reason=reason, remedy=remedy)


CUDA_TARGETS = (Target(kind="real", name="75"), Target(kind="real", name="89"), Target(kind="ptx", name="120"))
CUDA_2 = found(
    "cuda",
    device("CUDA0", SECOND, capability="8.9", driver="580.82.07"),
    device("CUDA1", FIRST, capability="6.1", driver="580.82.07"),
    targets=CUDA_TARGETS,
    floor="580.65",
)
VULKAN_2 = found("vulkan", device("Vulkan0", SECOND), device("Vulkan1", FIRST))
VULKAN_AMD = found("vulkan", device("Vulkan0", AMD))
ROCM_TARGETS = (Target(kind="gfx", name="gfx1030"), Target(kind="gfx", name="gfx1100"))
ROCM = found("rocm", device("ROCm0", AMD, capability="gfx1100"), targets=ROCM_TARGETS)
LAVAPIPE = found("vulkan", device("Vulkan0", software=True))


def facts(choice: Choice) -> dict[str, str]:
    """The devices by name, with the reason of those that are not used."""
    return {each.name: "used" if each.used else each.reason for each in choice.devices}


def loaded(choice: Choice) -> list[str]:
    return [each.name for each in choice.backends if each.loaded]


TABLE = [
    pytest.param(AUTO, [], hosts.EMPTY, {}, [], {}, id="no-plugin"),
    pytest.param(
        AUTO,
        [VULKAN_2, CUDA_2],
        hosts.TWO_NVIDIA,
        {},
        ["cuda", "vulkan"],
        {
            "CUDA0": "used",
            "CUDA1": "The plug-in has no code for compute capability 6.1, but for 7.5, 8.9, 12.0 and newer (PTX).",
            "Vulkan0": "It is used through cuda already.",
            "Vulkan1": "used",
        },
        id="two-different-gpus-the-old-one-by-vulkan",
    ),
    pytest.param(
        Request(backends=("vulkan",)),
        [VULKAN_2, CUDA_2],
        hosts.TWO_NVIDIA,
        {},
        ["vulkan"],
        {"Vulkan0": "used", "Vulkan1": "used"},
        id="named-backend",
    ),
    pytest.param(
        Request(devices=("Vulkan1", "CUDA0")),
        [VULKAN_2, CUDA_2],
        hosts.TWO_NVIDIA,
        {},
        ["cuda", "vulkan"],
        {
            "Vulkan1": "used",
            "CUDA0": "used",
            "CUDA1": "The plug-in has no code for compute capability 6.1, but for 7.5, 8.9, 12.0 and newer (PTX).",
            "Vulkan0": "not named by devices",
        },
        id="named-devices",
    ),
    pytest.param(
        AUTO,
        [found("cuda", device("CUDA0", FIRST, driver="535.183.01"), floor="580.65"), VULKAN_2],
        hosts.OLD_DRIVER,
        {},
        ["vulkan"],
        {
            "CUDA0": "The driver 535.183.01 is older than 580.65, which this plug-in needs.",
            "Vulkan0": "used",
            "Vulkan1": "used",
        },
        id="driver-too-old",
    ),
    pytest.param(
        AUTO,
        [VULKAN_2],
        hosts.TWO_NVIDIA,
        {"CUDA_VISIBLE_DEVICES": hosts.RTX_4090},
        ["vulkan"],
        {"Vulkan0": "used", "Vulkan1": f"CUDA_VISIBLE_DEVICES={hosts.RTX_4090} hides it."},
        id="hidden-from-cuda-is-hidden-from-vulkan",
    ),
    pytest.param(
        AUTO,
        [VULKAN_2, found("cuda", device("CUDA0", FIRST))],
        hosts.TWO_NVIDIA,
        {"CUDA_VISIBLE_DEVICES": "1"},
        ["cuda"],
        {
            "CUDA0": "used",
            "Vulkan0": "CUDA_VISIBLE_DEVICES=1 hides it.",
            "Vulkan1": "It is used through cuda already.",
        },
        id="an-index-means-what-cuda-says",
    ),
    pytest.param(
        AUTO,
        [VULKAN_2],
        hosts.TWO_NVIDIA,
        {"CUDA_VISIBLE_DEVICES": "-1"},
        [],
        {"Vulkan0": "CUDA_VISIBLE_DEVICES=-1 hides it.", "Vulkan1": "CUDA_VISIBLE_DEVICES=-1 hides it."},
        id="minus-one",
    ),
    pytest.param(
        AUTO,
        [VULKAN_AMD],
        hosts.AMD,
        {"CUDA_VISIBLE_DEVICES": "-1"},
        ["vulkan"],
        {"Vulkan0": "used"},
        id="cudas-variable-is-not-for-amd",
    ),
    pytest.param(
        AUTO,
        [found("cuda", device("CUDA0", "0000:17:00.0", uuid="MIG-1"), device("CUDA1", "0000:17:00.0", uuid="MIG-2"))],
        hosts.MIG,
        {},
        ["cuda"],
        {"CUDA0": "used", "CUDA1": "used"},
        id="mig-instances-share-a-pci-id",
    ),
    pytest.param(
        AUTO,
        [found("cuda", device("CUDA0", uuid="GPU-1C2D-3e4f")), found("vulkan", device("Vulkan0", uuid="1c2d3e4f"))],
        hosts.NO_DRIVER,
        {},
        ["cuda"],
        {"CUDA0": "used", "Vulkan0": "It is used through cuda already."},
        id="one-uuid",
    ),
    pytest.param(AUTO, [ROCM, VULKAN_AMD], hosts.AMD, {}, ["rocm"], None, id="amd"),
    pytest.param(
        AUTO,
        [found("rocm", device("ROCm0", SMALL, "igpu", capability="gfx1036"), targets=ROCM_TARGETS)],
        hosts.AMD_SMALL,
        {},
        [],
        {"ROCm0": "The plug-in has no code for gfx1036, but for gfx1030, gfx1100."},
        id="unsupported-gfx",
    ),
    pytest.param(
        AUTO,
        [found("rocm", device("ROCm0", SMALL, "igpu", capability="gfx1030"), targets=ROCM_TARGETS)],
        hosts.AMD_SMALL,
        {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"},
        ["rocm"],
        {"ROCm0": "used"},
        id="unsupported-gfx-with-override",
    ),
    pytest.param(
        AUTO,
        [found("rocm", device("ROCm0", SMALL, "igpu", capability="gfx1036"), targets=ROCM_TARGETS)],
        hosts.AMD_SMALL,
        {"HSA_OVERRIDE_GFX_VERSION": "9.0.0", "HSA_OVERRIDE_GFX_VERSION_1": "10.3.0"},
        ["rocm"],
        {"ROCm0": "used"},
        id="override-of-the-node-comes-first",
    ),
    pytest.param(
        AUTO,
        [found("vulkan", device("Vulkan0", None, "igpu"), device("Vulkan1", FIRST))],
        hosts.ONE_NVIDIA,
        {},
        ["vulkan"],
        {"Vulkan0": "It is integrated, and there is a discrete GPU.", "Vulkan1": "used"},
        id="integrated-beside-discrete",
    ),
    pytest.param(
        AUTO,
        [found("rocm", device("ROCm0", None, "igpu")), found("vulkan", device("Vulkan0", None, "igpu"))],
        hosts.EMPTY,
        {},
        ["rocm"],
        {"ROCm0": "used", "Vulkan0": "It is integrated, and rocm has one already."},
        id="integrated-of-one-backend",
    ),
    pytest.param(
        AUTO,
        [LAVAPIPE],
        hosts.SOFTWARE_ONLY,
        {"GGML_VK_VISIBLE_DEVICES": "0"},
        [],
        {"Vulkan0": "It is a GPU emulated by the CPU, and used only if it, or its backend, is named."},
        id="software-is-not-automatic",
    ),
    pytest.param(
        Request(backends=("vulkan",)),
        [LAVAPIPE],
        hosts.SOFTWARE_ONLY,
        {},
        ["vulkan"],
        {"Vulkan0": "used"},
        id="software",
    ),
    pytest.param(
        Request(devices=("Vulkan0",)),
        [LAVAPIPE],
        hosts.EMPTY,
        {},
        ["vulkan"],
        {"Vulkan0": "used"},
        id="software-device",
    ),
    pytest.param(
        AUTO,
        [found("blas", device("BLAS", kind="accel"))],
        hosts.EMPTY,
        {},
        ["blas"],
        {"BLAS": "It helps the CPU by itself; no layers are put on it."},
        id="accelerator",
    ),
    pytest.param(
        AUTO, [found("metal", device("Metal", kind="igpu"))], hosts.MAC, {}, ["metal"], {"Metal": "used"}, id="metal"
    ),
    pytest.param(AUTO, [found("cuda", device("CUDA0", FIRST))], hosts.WSL, {}, ["cuda"], {"CUDA0": "used"}, id="wsl"),
    pytest.param(AUTO, [found("cuda", status=Status.UNPROBED)], hosts.EMPTY, {}, ["cuda"], {}, id="not-probed"),
]


@pytest.mark.parametrize(("request_", "verdicts", "recording", "variables", "backends", "devices"), TABLE)
def test_the_choice_follows_the_rules(
    tmp_path: Path,
    request_: Request,
    verdicts: list[Verdict],
    recording: Recording,
    variables: dict[str, str],
    backends: list[str],
    devices: dict[str, str] | None,
) -> None:
    host = replay(recording, tmp_path, variables)
    choice = choose(request_, verdicts, host)
    assert loaded(choice) == backends
    assert devices is None or facts(choice) == devices
    assert choice == choose(request_, verdicts[::-1], host)  # whatever the order in which they were found


def test_devices_are_used_in_the_order_of_their_names() -> None:
    choice = choose(Request(devices=("Vulkan1", "CUDA0", "CPU")), [CUDA_2, VULKAN_2], hosts.NOWHERE)
    assert [each.name for each in choice.used] == ["Vulkan1", "CUDA0"]


def test_nothing_is_warned_of_without_a_plugin_and_with_a_gpu() -> None:
    assert choose(AUTO, [], hosts.NOWHERE).warnings == ()
    assert choose(AUTO, [CUDA_2, found("rocm", status=Status.NO_DEVICE)], hosts.NOWHERE).warnings == ()


def test_falling_back_to_the_cpu_is_a_warning_with_reason_and_remedy(tmp_path: Path) -> None:
    host = replay(hosts.DOCKER_WITHOUT_NODES, tmp_path)
    assert choose(AUTO, [found("cuda", status=Status.NO_DEVICE)], host).warnings == (
        "No GPU is used; the model runs on the CPU.\n"
        "cuda: NVIDIA's driver 580.82.07 is there, but this container was given no device.\n"
        "Start the container with: --gpus all",
    )


def test_what_the_probe_said_is_told_where_the_host_shows_no_reason() -> None:
    verdict = replace(found("sycl", status=Status.NO_DEVICE), reason="llamapack-sycl 1.0 finds no device")
    (warning,) = choose(AUTO, [verdict], hosts.NOWHERE).warnings
    assert warning.splitlines()[1] == "sycl: llamapack-sycl 1.0 finds no device"


def test_a_device_that_computes_wrongly_is_not_used() -> None:
    wrong = device("Other1", error_f16=0.5)
    verdict = replace(found("other", device("Other0", error_f16=0.0), wrong), reason="a product of Other1 is wrong")
    assert facts(choose(AUTO, [verdict], hosts.NOWHERE)) == {"Other0": "used", "Other1": "a product of Other1 is wrong"}


def test_a_variable_that_may_be_wrong_comes_first_among_the_remedies(tmp_path: Path) -> None:
    refused = found("vulkan", status=Status.BROKEN, reason="ggml refuses it", remedy="reinstall", fault=Fault.LOADING)
    (decision,) = choose(AUTO, [refused], replay(hosts.AMD, tmp_path, {"GGML_VK_VISIBLE_DEVICES": "7"})).backends
    assert decision.remedy == (
        "Check GGML_VK_VISIBLE_DEVICES=7: it may name a device that is not there. Else: reinstall"
    )
    assert choose(AUTO, [refused], hosts.NOWHERE).backends[0].remedy == "reinstall"


def test_a_refused_plugin_is_a_warning_beside_a_working_one() -> None:
    refused = kept_out(
        "vulkan", Status.REFUSED, "llamapack-vulkan 0.9 was built for ABI 5f2c", 'python -m pip install "x"'
    )
    choice = choose(AUTO, [CUDA_2, refused], hosts.NOWHERE)
    assert loaded(choice) == ["cuda"]
    assert choice.warnings == ('vulkan: llamapack-vulkan 0.9 was built for ABI 5f2c\nRun: python -m pip install "x"',)


def test_two_refused_plugins_say_once_what_it_comes_to() -> None:
    refused = [kept_out(name, Status.REFUSED, "it is too old", "") for name in ("cuda", "vulkan")]
    assert choose(AUTO, refused, hosts.NOWHERE).warnings == (
        "cuda: it is too old",
        "vulkan: it is too old\nNo GPU is used; the model runs on the CPU.",
    )


def test_two_plugins_of_one_name_are_told_apart() -> None:
    second = kept_out("cuda", Status.REFUSED, "llamapack-cuda is used")
    choice = choose(AUTO, [second, CUDA_2], hosts.NOWHERE)
    assert [(each.name, each.loaded) for each in choice.backends] == [("cuda", False), ("cuda", True)]
    assert len(choice.warnings) == 1


def test_an_override_is_warned_of(tmp_path: Path) -> None:
    verdict = found("rocm", device("ROCm0", SMALL, capability="gfx1030"), targets=ROCM_TARGETS)
    host = replay(hosts.AMD_SMALL, tmp_path, {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"})
    assert choose(AUTO, [verdict], host).warnings == (
        "The device ROCm0 runs as gfx1030 by HSA_OVERRIDE_GFX_VERSION, but is gfx1036. AMD does not support that.",
    )


def test_require_gpu_makes_an_error_of_it(tmp_path: Path) -> None:
    host = replay(hosts.OLD_DRIVER, tmp_path)
    broken = kept_out("vulkan", Status.BROKEN, "the probe was ended by SIGSEGV")
    with pytest.raises(BackendError) as caught:
        choose(Request(require_gpu=True), [found("cuda", status=Status.NO_DEVICE, floor="580.65"), broken], host)
    assert str(caught.value).splitlines() == [
        "No GPU can be used, and require_gpu asks for one.",
        "cuda: The driver 535.183.01 is older than 580.65, which this plug-in needs.",
        "vulkan: the probe was ended by SIGSEGV",
        "Update the driver to 580.65 or newer.",
    ]


def test_require_gpu_without_a_plugin_says_which_there_are() -> None:
    with pytest.raises(BackendError) as caught:
        choose(Request(require_gpu=True), [], hosts.NOWHERE)
    assert (caught.value.why, "llamapack[cuda]" in caught.value.fix) == ("No backend plug-in is installed.", True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "vulcan",
            "There is no backend 'vulcan' (LLAMAPACK_BACKENDS).\nDid you mean 'vulkan'?\n"
            "Use one of: auto, cpu, cuda, rocm, metal, vulkan, sycl.",
        ),
        (
            "cuda",
            "The backend 'cuda' (LLAMAPACK_BACKENDS) is not installed.\nRun: python -m pip install \"llamapack[cuda]\"",
        ),
    ],
)
def test_an_unknown_backend_is_refused_with_the_list(name: str, message: str) -> None:
    request = read_request(None, None, False, {"LLAMAPACK_BACKENDS": name})
    with pytest.raises(BackendError) as caught:
        choose(request, [found("sycl")], hosts.NOWHERE)
    assert str(caught.value) == message


def test_an_unknown_device_is_refused_with_the_list() -> None:
    with pytest.raises(InputError) as caught:
        choose(Request(devices=("CUDA7",)), [CUDA_2], hosts.NOWHERE)
    assert str(caught.value).splitlines()[:2] == ["There is no device 'CUDA7'.", "There are: CPU, CUDA0, CUDA1."]


def test_a_named_device_that_cannot_be_used_is_an_error() -> None:
    with pytest.raises(BackendError) as caught:
        choose(Request(devices=("CUDA1",)), [CUDA_2], hosts.NOWHERE)
    assert caught.value.what == "The device CUDA1 cannot be used."
    assert caught.value.why.startswith("The plug-in has no code for compute capability 6.1")
