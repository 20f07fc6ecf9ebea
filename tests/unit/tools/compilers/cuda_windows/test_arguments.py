"""How CMake calls clang for CUDA, and what nvcc, clang and the linker get of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.compilers.cuda_windows.arguments import arch_list, read_call, target_options
from tools.errors import ToolError

COMPILE = [
    *("--target=x86_64-w64-windows-gnu", "-DA=1", "-I/src", "-isystem", "/system", "-O3", "-DNDEBUG", "-std=gnu++17"),
    *("--cuda-gpu-arch=sm_75", "--no-cuda-include-ptx=sm_75", "--cuda-gpu-arch=sm_90", "--cuda-path=/cuda"),
    *("-ffile-prefix-map=/src=llamapack", "-use_fast_math", "-extended-lambda", "-compress-mode=size"),
    *("-Xcompiler", "-Wall -Wextra", "--llamapack-targets=75-real,90-virtual", "--llamapack-version=joined-1"),
    *("-MD", "-MT", "a.obj", "-MF", "a.d", "-x", "cuda", "-c", "/src/a.cu", "-o", "a.obj"),
]


def test_options_go_to_those_that_know_them() -> None:
    call = read_call(COMPILE)
    assert (call.does, call.source, call.output) == ("compile", "/src/a.cu", "a.obj")
    assert call.targets == ("75-real", "90-virtual")
    both = ["-DA=1", "-I/src", "-isystem", "/system", "-O3", "-DNDEBUG"]
    math = ["-use_fast_math", "-extended-lambda", "-compress-mode=size"]
    assert call.device == [*both, "-std=c++17", "-Xcompiler=-ffile-prefix-map=/src=llamapack", *math]
    dependencies = ["-MD", "-MT", "a.obj", "-MF", "a.d"]
    warnings = ["-Wall", "-Wextra"]
    assert call.host == [*both, "-std=gnu++17", "-ffile-prefix-map=/src=llamapack", *warnings, *dependencies]


def test_without_ours_cmakes_architectures_are_taken_as_machine_code() -> None:
    words = [word for word in COMPILE if not word.startswith("--llamapack")]
    assert read_call(words).targets == ("75-real", "90-real")


@pytest.mark.parametrize(
    ("words", "does"),
    [
        (["--version"], "tell"),
        ([".c", "-Xcompiler", "--version"], "tell"),
        (["-E", "a.cu"], "preprocess"),
        (["-c", "a.cu"], "compile"),
        (["a.cu", "-o", "a.exe"], "compile and link"),
        (["-shared", "a.obj", "-o", "a.dll"], "link"),
    ],
)
def test_what_is_asked_for(words: list[str], does: str) -> None:
    assert read_call(words).does == does


def test_the_linker_gets_the_runtime_as_a_dll_and_nothing_of_clangs_own() -> None:
    words = ["--target=x86_64-w64-windows-gnu", "--cuda-path=/cuda", "-shared", "a.obj", "-o", "a.dll"]
    call = read_call([*words, "-lcudadevrt", "-lcudart_static", "-lcublas", "-Wl,--out-implib,a.lib", "-L/lib"])
    assert call.link == ["-shared", "a.obj", "-o", "a.dll", "-lcudart", "-lcublas", "-Wl,--out-implib,a.lib", "-L/lib"]


def test_words_in_a_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "words").write_text('-DB="2 3" -I/more\n', encoding="utf-8")
    assert read_call(["-c", f"@{tmp_path / 'words'}", "a.cu"]).device == ["-DB=2 3", "-I/more"]


def test_two_sources_in_a_call_are_refused() -> None:
    with pytest.raises(ToolError, match=r"these were given: a\.cu, b\.cu\.$"):
        read_call(["-c", "a.cu", "b.cu"])


def test_architectures_are_said_as_nvcc_wants_them() -> None:
    assert target_options(["75-real", "90-virtual", "120f-real", "80"]) == [
        "--generate-code=arch=compute_75,code=[sm_75]",
        "--generate-code=arch=compute_90,code=[compute_90]",
        "--generate-code=arch=compute_120f,code=[sm_120f]",
        "--generate-code=arch=compute_80,code=[sm_80,compute_80]",
    ]
    assert arch_list(["120f-real", "75-real", "90-virtual", "90-real"]) == "750,900,1200"


@pytest.mark.parametrize("target", ["native", "sm_90", "90-ptx", ""])
def test_another_word_for_an_architecture_is_refused(target: str) -> None:
    with pytest.raises(ToolError, match=r"is not an architecture that code is compiled for\."):
        target_options([target])
