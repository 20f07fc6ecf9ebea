"""How CMake calls clang for HIP is read: what is for the CPU's part alone, what for both, and for which GPUs."""

from __future__ import annotations

import pytest

from tools.compilers.hip_windows.arguments import Call, read_call
from tools.errors import ToolError

GPUS = ["--offload-arch=gfx90a", "--offload-arch=gfx1100:xnack-"]
CALL = ["-DGGML_USE_HIP", "-Iinclude", "-isystem", "hip", "-O3", "-x", "hip", *GPUS]


def test_words_are_sorted() -> None:
    words = [*CALL, "-MD", "-MT", "a.obj", "-MF", "a.obj.d", "-o", "a.obj", "-c", "a.cu"]
    assert read_call(words) == Call(
        gpus=["gfx90a", "gfx1100:xnack-"],
        output="a.obj",
        both=["-DGGML_USE_HIP", "-Iinclude", "-isystem", "hip", "-O3", "-x", "hip", "a.cu"],
        host=["-MD", "-MT", "a.obj", "-MF", "a.obj.d"],
    )


def test_a_compiler_cache_preprocesses_without_a_file_to_write() -> None:
    call = read_call([*CALL, "-E", "a.cu"])
    assert (call.preprocess, call.output, call.both[-1]) == (True, "", "a.cu")


def test_without_a_gpu_there_is_nothing_to_compile() -> None:
    with pytest.raises(ToolError, match=r"^No GPU is named that is compiled for\.\nAdd --offload-arch=gfx1100, or"):
        read_call(["-x", "hip", "-c", "a.cu", "-o", "a.obj"])


def test_other_uses_of_clang_are_refused() -> None:
    with pytest.raises(ToolError, match=r"^A HIP source is compiled with -c and -o FILE here\.$"):
        read_call([*CALL, "a.cu"])
