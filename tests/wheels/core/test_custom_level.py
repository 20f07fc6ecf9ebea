"""One processor's flags: CMake is told of them and says what would be compiled with them, and a core with them runs.

The core has one CPU level then; of the plug-ins, Vulkan's stands for all.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.greedy import TEXT, answer, arguments
from tests.support.plugin_environment import make_place
from tools.errors import UnavailableError
from tools.matrix import host_target
from tools.paths import CORE, package_folder
from tools.toolkits.vulkan import vulkan_kit
from tools.util.venv import ensure_environment

pytestmark = pytest.mark.skipif(host_target() != "linux-x86_64", reason="the flags are for x86-64, as gcc spells them")


def configure(folder: Path, package: Path = CORE, /, **defines: str) -> subprocess.CompletedProcess[str]:
    cmake = [str(ensure_environment(["build"]).python), "-m", "cmake", "-G", "Ninja", "-S", str(package / "native")]
    defines |= {"CMAKE_EXPORT_COMPILE_COMMANDS": "ON", "CMAKE_BUILD_TYPE": "Release"}
    words = [*cmake, "-B", str(folder), *(f"-D{name}={value}" for name, value in defines.items())]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def vulkan() -> dict[str, str]:
    """What the build of the Vulkan plug-in is told beside the flags."""
    try:
        kit = vulkan_kit()
    except UnavailableError as error:
        pytest.skip(" ".join(str(error).splitlines()))
    return {**kit.defines, "SKBUILD_PROJECT_VERSION_FULL": "1.0", "SKBUILD_METADATA_DIR": "metadata"}


def test_a_core_with_own_flags_runs_on_its_one_level(rebuilt: Path, model: Path, tmp_path: Path) -> None:
    place = make_place(tmp_path, rebuilt, model)
    found = answer([str(place.environment.python), *arguments(model)])
    assert (found["level"], found["supported"], found["loaded"]) == ("custom", ["custom"], ["libggml-cpu-custom.so"])
    assert found["text"] == TEXT
    abi = json.loads((place.environment.packages / "llamapack" / "lib" / "abi.json").read_text(encoding="utf-8"))
    assert abi["cpu_levels"] == {"custom": ["SSE42"]}


def levels(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads((folder / "abi.json").read_text(encoding="utf-8"))["cpu_levels"]
    return found


def commands(folder: Path, source: str) -> list[str]:
    """Return the commands that compile the file that ends with `source`."""
    entries: list[dict[str, Any]] = json.loads((folder / "compile_commands.json").read_text(encoding="utf-8"))
    return [str(entry["command"]) for entry in entries if str(entry["file"]).endswith(source)]


def test_own_flags_make_one_level_whose_score_asks_for_what_they_switch_on(tmp_path: Path) -> None:
    done = configure(tmp_path, LLAMAPACK_CPU_LEVELS="custom", LLAMAPACK_CPU_FLAGS="-march=haswell -mno-bmi2")
    assert done.returncode == 0, done.stderr
    assert levels(tmp_path) == {"custom": ["SSE42", "AVX", "F16C", "FMA", "AVX2"]}
    (kernels,) = commands(tmp_path, "ggml-cpu/ggml-cpu.c")
    assert "-march=haswell -mno-bmi2" in kernels
    for source in (CORE / "native", Path(os.path.relpath(CORE / "native", tmp_path))):
        assert f"-ffile-prefix-map={source}=llamapack" in kernels  # with a compiler cache, and without
    scores = [command for command in commands(tmp_path, "x86/cpu-feats.cpp") if "-DGGML_AVX2" in command]
    assert [command for command in scores if "x64-feats" in command and "-march" not in command] != []
    assert "ggml-cpu-custom" in (tmp_path / "build.ninja").read_text(encoding="utf-8")


def test_no_flags_make_the_bare_baseline(tmp_path: Path) -> None:
    done = configure(tmp_path, LLAMAPACK_CPU_LEVELS="custom")
    assert done.returncode == 0, done.stderr
    assert levels(tmp_path) == {"custom": []}
    (kernels,) = commands(tmp_path, "ggml-cpu/ggml-cpu.c")
    assert "-m" not in [word[:2] for word in kernels.split() if word not in ("-MD", "-MT", "-MF")]


def test_one_of_ggmls_levels_can_stand_alone(tmp_path: Path) -> None:
    done = configure(tmp_path, LLAMAPACK_CPU_LEVELS="haswell")
    assert done.returncode == 0, done.stderr
    assert levels(tmp_path) == {"haswell": ["SSE42", "F16C", "FMA", "BMI2", "AVX", "AVX2"]}
    (kernels,) = commands(tmp_path, "ggml-cpu/ggml-cpu.c")
    assert {"-mavx2", "-mfma", "-mbmi2"} <= set(kernels.split())


def test_a_plugin_has_its_code_for_the_cpu_compiled_with_them(tmp_path: Path, vulkan: dict[str, str]) -> None:
    flags = {"LLAMAPACK_CPU_LEVELS": "custom", "LLAMAPACK_CPU_FLAGS": "-march=haswell -mno-bmi2"}
    done = configure(tmp_path, package_folder("vulkan"), **vulkan, **flags)
    assert done.returncode == 0, done.stderr
    for source in ("ggml-vulkan/ggml-vulkan.cpp", "ggml-vulkan/ggml-vulkan-buffers.cpp", "/soft_max.comp.cpp"):
        (command,) = commands(tmp_path, source)
        assert "-march=haswell -mno-bmi2" in command
    assert [command for command in commands(tmp_path, "src/ggml.c") if "-march" in command] == []  # the core's


@pytest.mark.parametrize("levels", ["custom", "haswell"])
def test_a_plugin_without_them_is_for_every_processor(tmp_path: Path, vulkan: dict[str, str], levels: str) -> None:
    done = configure(tmp_path, package_folder("vulkan"), **vulkan, LLAMAPACK_CPU_LEVELS=levels)
    assert done.returncode == 0, done.stderr
    (command,) = commands(tmp_path, "ggml-vulkan/ggml-vulkan.cpp")
    assert [word for word in command.split() if word.startswith(("-march", "-mavx", "-mtune"))] == []


NO_FLAGS = [
    pytest.param(
        {"LLAMAPACK_CPU_LEVELS": "custom", "LLAMAPACK_CPU_FLAGS": "-march=nonsense"},
        "LLAMAPACK_CPU_FLAGS=-march=nonsense",
        id="unknown flags",
    ),
    pytest.param(
        {"LLAMAPACK_CPU_FLAGS": "-mavx2"},
        "Set LLAMAPACK_CPU_LEVELS=custom, or unset LLAMAPACK_CPU_FLAGS.",
        id="flags without custom",
    ),
]
NO_LEVELS = [
    pytest.param({"LLAMAPACK_CPU_LEVELS": "haswell,custom"}, "`custom` stands alone", id="custom among others"),
    pytest.param(
        {"LLAMAPACK_CPU_LEVELS": "hasswell"},
        "names `hasswell`, which this target does not have",
        id="unknown level",
    ),
]


@pytest.mark.parametrize(("defines", "message"), [*NO_FLAGS, *NO_LEVELS])
def test_what_cannot_be_built_is_refused_with_what_to_do(tmp_path: Path, defines: dict[str, str], message: str) -> None:
    done = configure(tmp_path, **defines)
    assert done.returncode != 0
    assert message in " ".join(done.stderr.split())


@pytest.mark.parametrize(("defines", "message"), NO_FLAGS)
def test_a_plugin_refuses_the_same_flags(
    tmp_path: Path, vulkan: dict[str, str], defines: dict[str, str], message: str
) -> None:
    done = configure(tmp_path, package_folder("vulkan"), **vulkan, **defines)
    assert done.returncode != 0
    assert message in " ".join(done.stderr.split())
