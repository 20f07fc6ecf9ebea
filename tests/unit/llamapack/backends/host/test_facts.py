"""Facts of the machine, read from recorded trees, and why a backend finds no device there."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from llamapack.backends.contract import Target
from llamapack.backends.host.facts import HostFacts, Identity, may_use, read_host
from llamapack.backends.host.gpus import HostGpu
from llamapack.backends.selection.diagnosis import Needs, explain_no_device
from llamapack.backends.verdicts import Versions
from llamapack.backends.versions import is_older, parse_version

from tests.support import recorded_hosts as hosts
from tests.support.recorded_hosts import Recording, replay

CUDA = Needs(targets=(Target(kind="real", name="75"), Target(kind="ptx", name="120")), driver_floor="580.65")
ROCM = Needs(targets=(Target(kind="gfx", name="gfx1030"), Target(kind="gfx", name="gfx1100")))
NVIDIA_GUARDED = Recording(tree=hosts.ONE_NVIDIA.tree, of_group=("dev/nvidia0",))
DOCKER = {".dockerenv": ""}


def test_nvidias_driver_and_gpus_are_read(tmp_path: Path) -> None:
    facts = replay(hosts.TWO_NVIDIA, tmp_path)
    assert (facts.nvidia_driver, facts.cuda_library, facts.container, facts.wsl) == (
        "580.82.07",
        "580.82.07",
        "",
        False,
    )
    assert [(gpu.pci_id, gpu.vendor, gpu.driver, gpu.name, gpu.uuid) for gpu in facts.gpus] == [
        ("0000:01:00.0", "nvidia", "nvidia", "NVIDIA GeForce GTX 1080", hosts.GTX_1080),
        ("0000:41:00.0", "nvidia", "nvidia", "NVIDIA GeForce RTX 4090", hosts.RTX_4090),
    ]
    assert [node.path for node in facts.nvidia_nodes] == ["/dev/nvidia0", "/dev/nvidia1", "/dev/nvidiactl"]


def test_the_open_kernel_module_names_its_version_elsewhere_in_the_line(tmp_path: Path) -> None:
    assert replay(hosts.OPEN_MODULE, tmp_path).nvidia_driver == "570.86.15"


def test_mig_instances_are_read(tmp_path: Path) -> None:
    assert [gpu.mig for gpu in replay(hosts.MIG, tmp_path).gpus] == [("gi1/ci0", "gi2/ci0")]


def test_amds_topology_gives_gfx_and_node(tmp_path: Path) -> None:
    facts = replay(hosts.AMD, tmp_path)
    assert [(gpu.pci_id, gpu.vendor, gpu.gfx, gpu.kfd_node) for gpu in facts.gpus] == [
        ("0000:03:00.0", "amd", "gfx1100", 1)
    ]
    assert facts.kfd is not None
    assert facts.kfd.allowed
    assert facts.vulkan_drivers == ("radeon_icd.x86_64.json",)


def test_only_variables_about_devices_are_kept(tmp_path: Path) -> None:
    facts = replay(
        hosts.EMPTY, tmp_path, {"CUDA_VISIBLE_DEVICES": "0", "HSA_OVERRIDE_GFX_VERSION_1": "10.3.0", "KEY": "x"}
    )
    assert facts.variables == {"CUDA_VISIBLE_DEVICES": "0", "HSA_OVERRIDE_GFX_VERSION_1": "10.3.0"}


@pytest.mark.parametrize(
    ("tree", "variables", "container"),
    [
        ({}, {}, ""),
        (DOCKER, {}, "docker"),
        ({"run/.containerenv": ""}, {}, "podman"),
        ({}, {"container": "lxc"}, "lxc"),
        (DOCKER, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
    ],
)
def test_containers_are_recognised(
    tmp_path: Path, tree: dict[str, str], variables: dict[str, str], container: str
) -> None:
    assert replay(Recording(tree=tree, variables=variables), tmp_path).container == container


def test_permission_goes_by_owner_group_and_others(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text("")
    node.chmod(0o660)
    status = node.stat()
    stranger = Identity(uid=status.st_uid + 1, gids=frozenset())
    member = Identity(uid=status.st_uid + 1, gids=frozenset({status.st_gid}))
    assert not may_use(status, stranger)
    assert may_use(status, member)
    assert may_use(status, Identity(uid=0, gids=frozenset()))
    node.chmod(0o606)
    assert may_use(node.stat(), stranger)
    assert not may_use(node.stat(), member)


def test_this_machine_can_be_read() -> None:
    facts = read_host()
    assert facts.system
    assert all(set(gpu.pci_id) <= set("0123456789abcdef:.") for gpu in facts.gpus)


REASONS = [
    pytest.param(
        "cuda",
        hosts.EMPTY,
        {},
        "This machine has no NVIDIA GPU and no NVIDIA driver.",
        "Install the plug-in for the GPU it has.",
        id="no-gpu",
    ),
    pytest.param(
        "cuda",
        hosts.NO_DRIVER,
        {},
        "The GPU 0000:01:00.0 is there, but NVIDIA's driver is not loaded.",
        "Install NVIDIA's driver.",
        id="no-driver",
    ),
    pytest.param(
        "cuda",
        hosts.NOUVEAU,
        {},
        "The GPU 0000:01:00.0 is driven by nouveau, not by NVIDIA's driver.",
        "Install NVIDIA's driver.",
        id="nouveau",
    ),
    pytest.param(
        "cuda",
        hosts.OLD_DRIVER,
        {},
        "The driver 535.183.01 is older than 580.65, which this plug-in needs.",
        "Update the driver to 580.65 or newer.",
        id="driver-too-old",
    ),
    pytest.param(
        "cuda",
        hosts.MISMATCH,
        {},
        "The kernel runs NVIDIA's driver 580.82.07, but its libraries are of 580.95.05.",
        "Reboot: an update is half done.",
        id="driver-library-mismatch",
    ),
    pytest.param(
        "cuda",
        hosts.DOCKER_WITHOUT_NODES,
        {},
        "NVIDIA's driver 580.82.07 is there, but this container was given no device.",
        "Start the container with: --gpus all",
        id="docker-without-nodes",
    ),
    pytest.param(
        "cuda",
        Recording(tree={name: text for name, text in hosts.ONE_NVIDIA.tree.items() if not name.startswith("dev/")}),
        {},
        "NVIDIA's driver 580.82.07 is loaded, but there is no /dev/nvidia0.",
        "nvidia-modprobe -u -c 0",
        id="no-nodes",
    ),
    pytest.param(
        "cuda",
        Recording(tree={name: text for name, text in hosts.ONE_NVIDIA.tree.items() if "libcuda" not in name} | DOCKER),
        {},
        "NVIDIA's driver 580.82.07 is loaded, but its library libcuda is not here.",
        "NVIDIA_DRIVER_CAPABILITIES=compute,utility",
        id="docker-without-libcuda",
    ),
    pytest.param("cuda", NVIDIA_GUARDED, {}, "This user may not use /dev/nvidia0.", "", id="nvidia-permission"),
    pytest.param(
        "cuda",
        hosts.ONE_NVIDIA,
        {"CUDA_VISIBLE_DEVICES": "-1"},
        "CUDA_VISIBLE_DEVICES=-1 hides every device.",
        "Unset CUDA_VISIBLE_DEVICES.",
        id="hidden",
    ),
    pytest.param(
        "cuda",
        hosts.ONE_NVIDIA,
        {"CUDA_VISIBLE_DEVICES": "3"},
        "CUDA_VISIBLE_DEVICES=3 hides every device: there is no device 3: 1 were found.",
        f"Name one of: {hosts.RTX_4090}.",
        id="index-out-of-range",
    ),
    pytest.param(
        "cuda",
        hosts.MIG,
        {},
        "NVIDIA's driver lets CUDA use no device. A GPU in MIG mode has none until it is divided.",
        "nvidia-smi mig -cgi",
        id="mig",
    ),
    pytest.param("cuda", hosts.WSL_1, {}, "There is no /dev/dxg: this is WSL 1", "wsl --update", id="wsl-1"),
    pytest.param(
        "cuda",
        Recording(tree=hosts.WSL_KERNEL | {"dev/dxg": ""}),
        {},
        "There is no libcuda in /usr/lib/wsl/lib",
        "install none inside WSL",
        id="wsl-without-libcuda",
    ),
    pytest.param(
        "cuda",
        hosts.WSL_WITH_DRIVER,
        {},
        "A Linux driver (535.183.01) is installed inside WSL",
        "Remove it",
        id="wsl-with-linux-driver",
    ),
    pytest.param("cuda", hosts.WSL, {}, "It finds no device, and the system shows no reason.", "doctor", id="wsl"),
    pytest.param("cuda", hosts.MAC, {}, "CUDA does not exist on macOS.", "metal", id="cuda-on-mac"),
    pytest.param("rocm", hosts.EMPTY, {}, "This machine has no AMD GPU.", "", id="rocm-no-gpu"),
    pytest.param("rocm", hosts.AMD_GUARDED, {}, "This user may not use /dev/kfd, /dev/dri/renderD128.", "", id="group"),
    pytest.param(
        "rocm",
        hosts.AMD_WITHOUT_KFD,
        {},
        "This container was not given /dev/kfd.",
        "--device /dev/kfd --device /dev/dri --group-add video --group-add render",
        id="container-without-kfd",
    ),
    pytest.param(
        "rocm",
        hosts.AMD_SMALL,
        {},
        "The plug-in has no code for gfx1036, but for gfx1030, gfx1100.",
        "HSA_OVERRIDE_GFX_VERSION=10.3.0",
        id="unsupported-gfx",
    ),
    pytest.param(
        "rocm",
        hosts.AMD,
        {"HIP_VISIBLE_DEVICES": ""},
        "HIP_VISIBLE_DEVICES= hides every device.",
        "Unset HIP_VISIBLE_DEVICES.",
        id="hip-hidden",
    ),
    pytest.param("vulkan", hosts.EMPTY, {}, "No Vulkan driver is installed", "mesa-vulkan-drivers", id="no-icd"),
    pytest.param("vulkan", hosts.SOFTWARE_ONLY, {}, "This machine has no GPU.", 'backends="vulkan"', id="lavapipe"),
    pytest.param("vulkan", hosts.AMD_GUARDED, {}, "This user may not use /dev/dri/renderD128.", "", id="vulkan-group"),
    pytest.param(
        "vulkan",
        hosts.AMD,
        {"GGML_VK_VISIBLE_DEVICES": "-1"},
        "GGML_VK_VISIBLE_DEVICES=-1 hides every device.",
        "Unset GGML_VK_VISIBLE_DEVICES.",
        id="vulkan-hidden",
    ),
    pytest.param("metal", hosts.EMPTY, {}, "Metal exists on macOS only.", "", id="metal-elsewhere"),
    pytest.param("metal", hosts.MAC_INTEL, {}, "this Python is for x86_64", "Rosetta", id="rosetta"),
    pytest.param("other", hosts.EMPTY, {}, "It finds no device", "llamapack doctor", id="unknown-backend"),
]


@pytest.mark.parametrize(("backend", "recording", "variables", "reason", "remedy"), REASONS)
def test_a_missing_device_is_explained(
    tmp_path: Path, backend: str, recording: Recording, variables: dict[str, str], reason: str, remedy: str
) -> None:
    finding = explain_no_device(backend, ROCM if backend == "rocm" else CUDA, replay(recording, tmp_path, variables))
    assert finding.reason.startswith(reason) or reason in finding.reason
    assert remedy in finding.remedy


BUILT = "it was built with CUDA 13.0, its runtime here is of 13.1, and"


@pytest.mark.parametrize(
    ("system", "driver", "reason"),
    [
        (
            "linux",
            "12.2",
            f"The driver 535.183.01 is older than 580.65, which this plug-in needs: {BUILT} the driver serves 12.2.",
        ),
        (
            "win32",
            "12.9",
            f"The driver is older than 580.65, which this plug-in needs: {BUILT} the driver serves 12.9.",
        ),
        ("win32", "", "There is no NVIDIA driver."),
        ("win32", "13.0", "It finds no device, and the system shows no reason."),
    ],
)
def test_one_message_has_all_versions(tmp_path: Path, system: str, driver: str, reason: str) -> None:
    host = replay(hosts.OLD_DRIVER, tmp_path) if system == "linux" else HostFacts(system=system)
    needs = replace(CUDA, toolkit="13.0", versions=Versions(runtime="13.1", driver=driver))
    assert explain_no_device("cuda", needs, host).reason == reason


@pytest.mark.parametrize(
    ("gpus", "reason"),
    [
        ((), "This machine has no NVIDIA GPU and no NVIDIA driver."),
        (
            (HostGpu(pci_id="0000:00:02.0", vendor="intel"),),
            "This machine has no NVIDIA GPU and no NVIDIA driver.",
        ),
        (
            (HostGpu(pci_id="0000:01:00.0", vendor="nvidia", driver="BasicDisplay"),),
            "The GPU 0000:01:00.0 is driven by BasicDisplay, not by NVIDIA's driver.",
        ),
        (
            (HostGpu(pci_id="0000:01:00.0", vendor="nvidia"),),
            "The GPU 0000:01:00.0 is there, but NVIDIA's driver is not loaded.",
        ),
        (
            (HostGpu(pci_id="", vendor="nvidia", name="3D Video Controller"),),
            "The GPU 3D Video Controller is there, but NVIDIA's driver is not loaded.",
        ),
    ],
)
def test_without_a_driver_windows_gpus_decide(gpus: tuple[HostGpu, ...], reason: str) -> None:
    host = HostFacts(system="win32", gpus=gpus, gpus_are_known=True)
    needs = replace(CUDA, toolkit="13.0", versions=Versions(runtime="", driver=""))
    assert explain_no_device("cuda", needs, host).reason == reason


@pytest.mark.skipif(os.name == "nt", reason="groups are a matter of POSIX")
def test_a_missing_group_is_named_in_the_remedy(tmp_path: Path) -> None:
    facts = replay(hosts.AMD_GUARDED, tmp_path)
    named = [node.group for node in facts.render_nodes]
    remedy = explain_no_device("rocm", ROCM, facts).remedy
    assert remedy.startswith("Ask" if named == ["root"] else f"Run: sudo usermod -a -G {named[0]} ")
    assert explain_no_device("rocm", ROCM, replay(hosts.AMD_GUARDED, tmp_path / "again", in_group=True)).reason == (
        "It finds no device, and the system shows no reason."
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [("535.183.01", (535, 183, 1)), ("580", (580,)), ("570.86.15-open", (570, 86, 15)), ("", None), ("none", None)],
)
def test_versions_are_read_as_numbers(text: str, version: tuple[int, ...] | None) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("version", "floor", "older"),
    [
        ("580.9", "580.65", True),
        ("580.65.06", "580.65", False),
        ("580", "580.0", False),
        ("1000.1", "999.9", False),
        ("99.9", "100", True),
        (None, "580.65", False),
        ("580.1", None, False),
    ],
)
def test_versions_are_compared_as_numbers(version: str | None, floor: str | None, older: bool) -> None:
    assert is_older(version, floor) is older
