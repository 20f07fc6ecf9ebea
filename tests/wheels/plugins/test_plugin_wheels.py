"""Each plug-in wheel holds one library and its description, and asks for the core of its own build."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.release.bills import components, read_bill
from tests.support.wheel_contents import MACHINES, MIB, PLATFORMS, info_folder, names
from tools.audit.library import Library
from tools.audit.plugin import code_sizes
from tools.audit.reading import read_library
from tools.audit.rules import SYSTEM
from tools.audit.wheel import audit_wheel
from tools.building.wheels import KITS
from tools.matrix import host_target, load_matrix
from tools.paths import CORE, ROOT, package_folder
from tools.toolkits.rocm import FORKY, rocm_version, system_rocm
from tools.vendoring.source.pin import load_pin

if sys.platform != "linux":
    pytest.skip("only Linux plug-ins are built so far", allow_module_level=True)

BACKENDS = [name for name in KITS if name != "cpu"]
LARGEST = {"vulkan": 30, "cuda": 90, "rocm": 90}
"""In MiB; the index takes 100 MB."""
ROCM = rocm_version(system_rocm() or FORKY.folder / "usr").split(".")
SONAMES = {
    "6": {"libamdhip64.so.6", "librocblas.so.4", "libhipblas.so.2"},
    "7": {"libamdhip64.so.7", "librocblas.so.5", "libhipblas.so.3"},
}
NEEDED = {
    "vulkan": {"libvulkan.so.1"},
    "cuda": {"libcudart.so.13", "libcublas.so.13"},
    "rocm": SONAMES.get(ROCM[0], set()),
}
"""What each asks for beside the C and C++ libraries of the system."""
NVIDIA = "../../nvidia/cu13/lib"
STATED: dict[str, dict[str, object]] = {
    "vulkan": {"targets": [], "driver_floor": None, "toolkit": None, "preload": []},
    "cuda": {
        "driver_floor": "580.65",
        "toolkit": load_matrix().toolchains["cuda"].version,
        "preload": [f"{NVIDIA}/lib{name}.so.13" for name in ("cudart", "cublasLt", "cublas")],
    },
    "rocm": {"driver_floor": None, "toolkit": ".".join(ROCM[:2]), "preload": []},
}
"""What the description says beside names and ids; which code the library holds is asked of the library."""
REQUIRED = {
    "vulkan": [],
    "rocm": [],
    "cuda": ["cuda-pathfinder<2,>=1.3", "nvidia-cublas<14,>=13.0", "nvidia-cuda-runtime<14,>=13.0"],
}
"""What it depends on beside the core."""
LICENCES = {
    "vulkan": {
        "vulkan-headers.txt": "The Khronos Group",
        "spirv-headers.txt": "The Khronos Group",
        "apache-2.0.txt": "Apache License",
    },
    "cuda": {"nvidia-cuda.txt": "NVIDIA CUDA Toolkit"},
    "rocm": {},
}
"""The files for what is compiled in beside ggml, and words that each must have."""
COMPILED_IN = {"vulkan": {"Vulkan-Headers"}, "cuda": {"CUDA Toolkit"}, "rocm": {"HIP"}}
"""What the bill of materials names beside llama.cpp."""
EXPORTS = {"ggml_backend_init", "llamapack_backend_abi_id"}


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def plugin(backend: str) -> Path:
    """The plug-in's wheel."""
    found = json.loads(os.environ.get("LLAMAPACK_TEST_PLUGINS") or "{}").get(backend)
    if found is None:
        pytest.fail("LLAMAPACK_TEST_PLUGINS does not name it. Run these tests with nox -s packaging")
    if "skip_reason" in found:
        pytest.skip(found["skip_reason"])
    return Path(found["wheel"])


@pytest.fixture(scope="module")
def unpacked(plugin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    with zipfile.ZipFile(plugin) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def library(unpacked: Path, backend: str) -> Library:
    return read_library(unpacked / f"llamapack_{backend}" / "lib" / f"libggml-{backend}.so")


def metadata(unpacked: Path) -> importlib.metadata.PackageMetadata:
    return importlib.metadata.PathDistribution(info_folder(unpacked)).metadata


def test_wheel_is_small_enough(plugin: Path, backend: str) -> None:
    assert plugin.stat().st_size <= LARGEST[backend] * MIB


def test_wheel_serves_every_python_of_its_platform(plugin: Path, backend: str) -> None:
    system, _, machine = host_target().partition("-")
    platform = PLATFORMS[system].format(machine=MACHINES[system].get(machine, machine))
    assert re.fullmatch(rf"llamapack_{backend}-[\w.]+-py3-none-({platform})\.whl", plugin.name)


def test_wheel_holds_one_library_and_its_description(unpacked: Path, backend: str) -> None:
    package = unpacked / f"llamapack_{backend}"
    assert names(package) == {"__init__.py", "lib/backend.json", f"lib/libggml-{backend}.so"}
    assert {path.name for path in unpacked.iterdir()} == {package.name, info_folder(unpacked).name}
    source = package_folder(backend) / "src" / package.name / "__init__.py"
    assert (package / "__init__.py").read_bytes() == source.read_bytes()


def test_description_states_the_build(unpacked: Path, backend: str, abi_id: str, libraries: Path) -> None:
    core = json.loads((libraries / "abi.json").read_text(encoding="utf-8"))
    stated = json.loads((unpacked / f"llamapack_{backend}" / "lib" / "backend.json").read_text(encoding="utf-8"))
    assert {**stated, "targets": []} == {
        "name": backend,
        "package": f"llamapack-{backend}",
        "version": metadata(unpacked)["Version"],
        "library": f"libggml-{backend}.so",
        "abi_id": abi_id,
        "llama_commit": core["llama_commit"],
        **STATED[backend],
        "targets": [],
    }


def test_code_is_for_the_targets_that_are_stated(unpacked: Path, library: Library, backend: str) -> None:
    stated = json.loads((library.path.parent / "backend.json").read_text(encoding="utf-8"))["targets"]
    assert {f"{target['kind']}:{target['name']}" for target in stated} == set(code_sizes(library.path))
    assert bool(stated) == bool(load_matrix().gpu_archs(backend))


def test_it_requires_the_core_of_its_version_and_the_vendors_libraries(
    unpacked: Path, wheel: Path, backend: str
) -> None:
    found = metadata(unpacked)
    assert found["Name"] == load_matrix().backend(backend).wheel
    assert found["Version"] == wheel.name.split("-")[1]
    assert found.get_all("Requires-Dist") == [f"llamapack=={found['Version']}", *REQUIRED[backend]]


def test_core_offers_it_as_an_extra(contents: Path, unpacked: Path, backend: str) -> None:
    wanted = f'llamapack-{backend}=={metadata(unpacked)["Version"]}; extra == "{backend}"'
    assert wanted in [line.replace("'", '"') for line in metadata(contents).get_all("Requires-Dist") or []]


def test_entry_point_is_the_description(unpacked: Path, backend: str) -> None:
    text = (info_folder(unpacked) / "entry_points.txt").read_text(encoding="utf-8")
    assert text.replace(" ", "").split() == ["[llamapack.backends]", f"{backend}=llamapack_{backend}:describe"]


def test_licences_of_us_and_of_upstream_are_there(unpacked: Path, backend: str) -> None:
    found = info_folder(unpacked) / "licenses"
    upstream = package_folder(backend) / "native" / "llama.cpp" / "LICENSE"
    expected = {"LICENSE": ROOT / "LICENSE", "native/llama.cpp/LICENSE": upstream}
    assert names(found) == {*expected, *LICENCES[backend]}
    assert [name for name, path in expected.items() if (found / name).read_bytes() != path.read_bytes()] == []


def test_licences_of_others_name_them(unpacked: Path, backend: str) -> None:
    found = info_folder(unpacked) / "licenses"
    assert [name for name, words in LICENCES[backend].items() if words not in (found / name).read_text()] == []


def test_the_bill_of_materials_names_the_source_and_what_is_compiled_in(unpacked: Path, backend: str) -> None:
    bill = read_bill(info_folder(unpacked) / "sboms" / f"llamapack_{backend}.cdx.json")
    assert bill["metadata"]["component"]["name"] == f"llamapack-{backend}"
    found = components(bill)
    assert found["llama.cpp"]["version"] == load_pin().commit
    assert {"llama.cpp", "llamapack", *COMPILED_IN[backend]} <= set(found)
    assert all(found[name]["version"] for name in COMPILED_IN[backend])


def test_exported_symbols_are_the_contracts(library: Library) -> None:
    listed = (CORE / "native" / "shared" / "backend-exports.txt").read_text(encoding="utf-8").splitlines()
    assert {line for line in listed if not line.startswith("#")} == EXPORTS
    assert library.exports == EXPORTS


def test_it_needs_the_cores_ggml_base_by_its_abi_id(library: Library, abi_id: str, backend: str) -> None:
    needed = {name for name in library.needed if not re.fullmatch(SYSTEM[library.system], name)}
    assert needed == {f"libggml-base-{abi_id}.so", *NEEDED[backend]}


def test_libraries_are_looked_for_beside_it_in_the_core_and_at_the_vendors(library: Library, backend: str) -> None:
    assert library.soname == ""  # nobody links with it
    folders = ["$ORIGIN", "$ORIGIN/../../llamapack/lib", *([f"$ORIGIN/{NVIDIA}"] if backend == "cuda" else [])]
    assert ":".join(library.run_paths) == ":".join(folders)


def test_it_passes_the_audit(plugin: Path) -> None:
    report = audit_wheel(plugin)
    assert [str(finding) for finding in report.findings] == []
    assert report.not_looked_at == () or os.environ.get("LLAMAPACK_TEST_WHOLE") != "True"
    assert len(report.libraries) == 1
