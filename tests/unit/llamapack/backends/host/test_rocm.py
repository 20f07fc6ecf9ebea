"""ROCm is found in the stated order, named where it is missing or old, and so are GPUs that rocBLAS has nothing for."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from llamapack.backends.contract import BackendPlugin, Target
from llamapack.backends.host.facts import HostFacts
from llamapack.backends.host.gpus import HostGpu
from llamapack.backends.host.rocm import (
    RocmInstallation,
    RocmLocation,
    effective_gfx,
    find_rocm,
    has_no_kernels,
    kernels_beside,
    needed_libraries,
    rocm_locations,
    unfit_gpus,
    use_rocm,
)
from llamapack.backends.selection.diagnosis import Needs, explain_no_device
from llamapack.backends.verdicts import Fault, Status, Verdict

from tests.support import recorded_hosts as hosts
from tests.support.libraries.made_binaries import elf, pe
from tests.support.recorded_hosts import Recording, replay

if sys.platform == "win32":
    pytest.skip("the libraries here are Linux'", allow_module_level=True)

NAMES = ("libamdhip64.so.6", "librocblas.so.4", "libhipblas.so.2")
TARGETS = tuple(Target(kind="gfx", name=name) for name in ("gfx90a", "gfx1030", "gfx1100"))


@pytest.fixture
def plugin(tmp_path: Path) -> BackendPlugin:
    library = tmp_path / "libggml-rocm.so"
    library.write_bytes(elf(["libhipblas.so.2", "libc.so.6", "librocblas.so.4", "libamdhip64.so.6"]))
    return BackendPlugin(
        name="rocm",
        package="llamapack-rocm",
        version="1.0",
        library=library,
        abi_id="5f2c",
        llama_commit="0c1e",
        targets=TARGETS,
        toolkit="6.2",
    )


def rocm(folder: Path, version: str = "6.4.43484", kernels: tuple[str, ...] = ("gfx90a", "gfx1030")) -> Path:
    """Make a folder of ROCm's libraries as AMD's packages do, with rocBLAS' files beside them."""
    library = folder / "lib"
    (library / "rocblas" / "library").mkdir(parents=True)
    for name in NAMES:
        (library / f"{name}.{version.partition('.')[2]}").touch()
        (library / name).symlink_to(f"{name}.{version.partition('.')[2]}")
    for gfx in kernels:
        (library / "rocblas" / "library" / f"TensileLibrary_lazy_{gfx}.dat").touch()
        (library / "rocblas" / "library" / f"Kernels.so-000-{gfx}.hsaco").touch()
    return folder


NOT_INSTALLED = RocmLocation(name="rocm_sdk", problem="is not installed")


def found(
    plugin: BackendPlugin, root: Path, environment: dict[str, str], package: RocmLocation = NOT_INSTALLED
) -> RocmInstallation | tuple[RocmLocation, ...]:
    return find_rocm(plugin, rocm_locations(package, root, environment), environment)


def test_needed_libraries_are_listed_in_the_order_of_opening(plugin: BackendPlugin, tmp_path: Path) -> None:
    assert needed_libraries(plugin.library) == NAMES
    (tmp_path / "ggml-rocm.dll").write_bytes(pe(["hipblas.dll", "KERNEL32.dll", "amdhip64_6.dll", "rocblas.dll"]))
    assert needed_libraries(tmp_path / "ggml-rocm.dll") == ("amdhip64_6.dll", "rocblas.dll", "hipblas.dll")
    assert needed_libraries(tmp_path / "nothing") == ()


def test_the_first_place_that_has_all_is_taken(
    plugin: BackendPlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = RocmLocation(name="rocm_sdk", folders=(rocm(tmp_path / "site") / "lib",))
    rocm(tmp_path / "opt/rocm")
    environment = {"HIP_PATH": str(rocm(tmp_path / "hip"))}
    for name in NAMES:
        (tmp_path / name).write_bytes(elf())
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    taken = []
    for gone in ("site", "opt/rocm", "hip", "none"):
        where = found(plugin, tmp_path, environment, package)
        assert isinstance(where, RocmInstallation)
        taken.append((where.location.name, where.own, [path.name for path in where.libraries]))
        for name in NAMES if gone != "none" else ():
            (tmp_path / gone / "lib" / name).unlink()
    assert taken == [
        ("rocm_sdk", False, list(NAMES)),
        ("/opt/rocm", False, list(NAMES)),
        (f"HIP_PATH={tmp_path / 'hip'}", False, list(NAMES)),
        ("the system", True, list(NAMES)),
    ]


@pytest.mark.parametrize(("version", "read"), [("6.4.43484", "6.4"), ("6.10.1", "6.10")])
def test_version_is_that_of_the_file_behind_the_link(
    plugin: BackendPlugin, tmp_path: Path, version: str, read: str
) -> None:
    assert found_at(rocm(tmp_path / "opt/rocm", version), plugin).version == read


def test_version_is_read_from_the_file_for_it_where_names_have_none(plugin: BackendPlugin, tmp_path: Path) -> None:
    folder = rocm(tmp_path / "opt/rocm")
    (folder / "lib" / NAMES[0]).unlink()
    (folder / "lib" / NAMES[0]).touch()
    (folder / ".info").mkdir()
    (folder / ".info" / "version").write_text("6.1.2-98\n", encoding="ascii")
    assert found_at(folder, plugin).version == "6.1"


def test_its_libraries_are_opened_first(tmp_path: Path, plugin: BackendPlugin) -> None:
    ready = use_rocm(plugin, found_at(rocm(tmp_path / "opt/rocm"), plugin))
    assert isinstance(ready, BackendPlugin)
    assert ready.preload == tuple(tmp_path / "opt/rocm/lib" / name for name in NAMES)


def test_what_the_system_finds_by_itself_is_left_to_it(plugin: BackendPlugin) -> None:
    own = RocmInstallation(
        location=RocmLocation(name="the system"), libraries=(Path("/usr/lib/libamdhip64.so.6"),), version="6.4"
    )
    assert use_rocm(plugin, own) is plugin


def found_at(folder: Path, plugin: BackendPlugin) -> RocmInstallation:
    where = found(plugin, folder.parents[1], {})
    assert isinstance(where, RocmInstallation)
    assert where.location.folders == (folder / "lib",)
    return where


def test_missing_libraries_are_named_with_every_place(tmp_path: Path, plugin: BackendPlugin) -> None:
    (tmp_path / "opt/rocm/lib").mkdir(parents=True)
    for name in ("libamdhip64.so.7", "libamdhip64.so", "librocblas.so.5", "librocsolver.so.0"):
        (tmp_path / "opt/rocm/lib" / name).touch()
    refused = use_rocm(plugin, found(plugin, tmp_path, {"HIP_PATH": "/nowhere"}))
    assert isinstance(refused, Verdict)
    assert (refused.status, refused.fault) == (Status.BROKEN, Fault.MISSING_LIBRARY)
    assert refused.reason == (
        "llamapack-rocm 1.0 is not used: libamdhip64.so.6, librocblas.so.4, libhipblas.so.2 are not found (rocm_sdk is "
        "not installed; /opt/rocm has libamdhip64.so.7, librocblas.so.5; HIP_PATH=/nowhere is not there; nor does the "
        "system know them)"
    )
    assert refused.remedy == (
        "Install AMD's ROCm 6, 6.2 or newer, into /opt/rocm or as the package rocm_sdk, or set HIP_PATH to its folder."
    )


@pytest.fixture
def for_windows(tmp_path: Path, plugin: BackendPlugin) -> BackendPlugin:
    """The plug-in as zig links it for Windows: not with rocBLAS, of which it calls nothing itself."""
    library = tmp_path / "ggml-rocm.dll"
    library.write_bytes(pe(["amdhip64_6.dll", "hipblas.dll", "KERNEL32.dll"]))
    return replace(plugin, library=library)


def test_on_windows_the_sdk_is_named_that_brings_the_missing_libraries(
    tmp_path: Path, for_windows: BackendPlugin
) -> None:
    refused = use_rocm(for_windows, find_rocm(for_windows, [NOT_INSTALLED]))
    assert isinstance(refused, Verdict)
    assert (refused.status, refused.fault) == (Status.BROKEN, Fault.MISSING_LIBRARY)
    assert refused.reason == (
        "llamapack-rocm 1.0 is not used: amdhip64_6.dll, hipblas.dll are not found (rocm_sdk is not installed; nor "
        "does the system know them)"
    )
    assert refused.remedy == "Install AMD's HIP SDK 6, 6.2 or newer, and set HIP_PATH to its folder."


@pytest.mark.parametrize(
    ("vendors", "known", "reason"),
    [
        ((), True, "This machine has no AMD GPU."),
        (("intel", "nvidia"), True, "This machine has no AMD GPU."),
        (("amd",), True, "It finds no device, and the system shows no reason."),
        ((), False, "It finds no device, and the system shows no reason."),
    ],
)
def test_on_windows_its_list_of_gpus_decides(vendors: tuple[str, ...], known: bool, reason: str) -> None:
    gpus = tuple(HostGpu(pci_id=f"0000:0{at}:00.0", vendor=vendor) for at, vendor in enumerate(vendors))
    host = HostFacts(system="win32", gpus=gpus, gpus_are_known=known)
    assert explain_no_device("rocm", Needs(targets=TARGETS, toolkit="6.4"), host).reason == reason


def test_kernels_are_known_where_only_hipblas_opens_rocblas(tmp_path: Path, for_windows: BackendPlugin) -> None:
    folder = tmp_path / "sdk" / "bin"
    (folder / "rocblas" / "library").mkdir(parents=True)
    for name in ("amdhip64_6.dll", "hipblas.dll", "rocblas.dll", "rocblas/library/TensileLibrary_lazy_gfx1100.dat"):
        (folder / name).touch()
    where = find_rocm(for_windows, rocm_locations(NOT_INSTALLED, tmp_path, {"HIP_PATH": f"{tmp_path}/sdk"}), {})
    assert isinstance(where, RocmInstallation)
    assert [path.name for path in where.libraries] == ["amdhip64_6.dll", "hipblas.dll"]
    assert where.kernels == frozenset({"gfx1100"})


def test_a_rocm_older_than_the_build_is_named_with_both_versions(tmp_path: Path, plugin: BackendPlugin) -> None:
    refused = use_rocm(plugin, found_at(rocm(tmp_path / "opt/rocm", "6.1.40091"), plugin))
    assert isinstance(refused, Verdict)
    assert (refused.status, refused.fault) == (Status.BROKEN, Fault.VERSION)
    assert refused.reason == "llamapack-rocm 1.0 is not used: the ROCm of /opt/rocm is 6.1, and it was built with 6.2"
    assert refused.remedy == "Update ROCm to 6.2 or newer."


def test_kernels_are_told_by_the_files_beside_rocblas(tmp_path: Path) -> None:
    library = rocm(tmp_path / "a", kernels=("gfx90a", "gfx1100")) / "lib" / "librocblas.so.4"
    assert kernels_beside(library, {}) == frozenset({"gfx90a", "gfx1100"})
    debian = tmp_path / "b" / "librocblas.so.4"
    (tmp_path / "b/rocblas/4.4.1/library").mkdir(parents=True)
    (tmp_path / "b/rocblas/4.4.1/library/TensileLibrary_gfx803.dat").touch()
    assert kernels_beside(debian, {}) == frozenset({"gfx803"})
    named = {"ROCBLAS_TENSILE_LIBPATH": str(library.parent / "rocblas/library")}
    assert kernels_beside(debian, named) == frozenset({"gfx90a", "gfx1100"})
    assert kernels_beside(tmp_path / "c" / "librocblas.so.4", {}) is None


@pytest.mark.parametrize(
    ("gfx", "kernels", "lacking"),
    [
        ("gfx1100", {"gfx1100"}, False),
        ("gfx1103", {"gfx1100"}, True),
        ("gfx90a:sramecc+:xnack-", {"gfx90a"}, False),
        ("gfx1103", None, False),
        ("", {"gfx1100"}, False),
        (None, {"gfx1100"}, False),
    ],
)
def test_only_what_is_known_lacks_kernels(gfx: str | None, kernels: set[str] | None, lacking: bool) -> None:
    assert has_no_kernels(gfx, None if kernels is None else frozenset(kernels)) is lacking


def test_overrides_decide_which_kernels_are_asked_for(tmp_path: Path) -> None:
    host = replay(hosts.AMD_SMALL, tmp_path)
    (gpu,) = host.gpus
    assert effective_gfx(gpu, host) == "gfx1036"
    assert effective_gfx(gpu, host, "gfx1030") == "gfx1030"
    other = replace(host, variables={"HSA_OVERRIDE_GFX_VERSION": "9.0.10"})
    assert effective_gfx(gpu, other) == "gfx90a"
    both = replace(host, variables={"HSA_OVERRIDE_GFX_VERSION": "9.0.10", "HSA_OVERRIDE_GFX_VERSION_1": "10.3.0"})
    assert effective_gfx(gpu, both) == "gfx1030"


BOTH = Recording(tree=hosts.AMD.tree | hosts.pci("0000:0c:00.0", "0x1002", "amdgpu") | hosts.kfd_node(2, 100306, 0xC00))


@pytest.mark.parametrize(
    ("kernels", "variables", "unfit"),
    [
        (None, {}, {"0000:0c:00.0"}),
        ({"gfx1100"}, {}, {"0000:0c:00.0"}),
        ({"gfx1100"}, {"HSA_OVERRIDE_GFX_VERSION_2": "10.3.0"}, {"0000:0c:00.0"}),
        ({"gfx1100", "gfx1030"}, {"HSA_OVERRIDE_GFX_VERSION_2": "10.3.0"}, set()),
        ({"gfx90a"}, {}, {"0000:03:00.0", "0000:0c:00.0"}),
    ],
)
def test_unfit_are_those_without_code_or_kernels(
    tmp_path: Path, plugin: BackendPlugin, kernels: set[str] | None, variables: dict[str, str], unfit: set[str]
) -> None:
    host = replay(BOTH, tmp_path / "root", variables)
    host = replace(host, rocm_kernels=None if kernels is None else frozenset(kernels))
    assert unfit_gpus(plugin, host) == unfit


@pytest.mark.parametrize(
    ("kernels", "variables", "reason", "remedy"),
    [
        (
            {"gfx90a", "gfx1030"},
            {},
            "rocBLAS has no kernels for gfx1100 and would end the process on it; it has some for gfx1030, gfx90a.",
            "Install a ROCm whose rocBLAS has them, or use the vulkan backend for this GPU.",
        ),
        (
            {"gfx1030"},
            {"HSA_OVERRIDE_GFX_VERSION": "9.0.10"},
            "rocBLAS has no kernels for gfx90a and would end the process on it; it has some for gfx1030.",
            "Install a ROCm whose rocBLAS has them, or use the vulkan backend for this GPU.",
        ),
        (
            {"gfx1030"},
            {"HSA_OVERRIDE_GFX_VERSION": "11.0.3"},
            "The plug-in has no code for gfx1103, but for gfx90a, gfx1030, gfx1100.",
            "It may run, though AMD does not support it, with HSA_OVERRIDE_GFX_VERSION=11.0.0.",
        ),
    ],
)
def test_the_reason_for_no_device_is_said_before_it_fails(
    tmp_path: Path, kernels: set[str], variables: dict[str, str], reason: str, remedy: str
) -> None:
    host = replace(replay(hosts.AMD, tmp_path, variables), rocm_kernels=frozenset(kernels))
    finding = explain_no_device("rocm", Needs(targets=TARGETS), host)
    assert (finding.reason, finding.remedy) == (reason, remedy)
