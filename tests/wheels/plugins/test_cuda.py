"""The driver's functions in the CUDA plug-in: exactly those that ggml calls, looked up when they are called.

Run by nox -s test-cuda, which has NVIDIA's headers and the objects that the wheel was made of.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import lief
import pytest

from tools.paths import CORE

SOURCE = CORE / "native" / "shared" / "cuda_driver.cpp"
OF_THE_DRIVER = re.compile(r"cu[A-Z]\w+")  # the runtime's begin with cuda, cuBLAS' with cublas
PROGRAM = """
#include <cuda.h>
#include <cstdio>

static void say(const char * name, CUresult status) {
    const char * text = nullptr;
    cuGetErrorString(status, &text);
    std::printf("%s %d %s\\n", name, (int) status, text);
}

int main() {
    CUdevice device = 0;
    CUmemGenericAllocationHandle handle = 0;
    std::puts("begin");
    say("cuDeviceGet", cuDeviceGet(&device, 1));
    std::printf("device %d\\n", device);
    say("cuMemRelease", cuMemRelease(handle));
}
"""
DRIVER = """
#include <cuda.h>
#include <cstdio>

__attribute__((constructor)) static void loaded() { std::puts("loaded"); }

extern "C" CUresult cuDeviceGet(CUdevice * device, int ordinal) {
    *device = ordinal + 41;
    return CUDA_SUCCESS;
}

extern "C" CUresult cuGetErrorString(CUresult error, const char ** text) {
    *text = "the driver's own words";
    return error == CUDA_SUCCESS ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
"""


def given(variable: str) -> Path:
    """Return the folder that the session names; skip in the session that leaves the costly build to another one."""
    if skip_reason := json.loads(os.environ.get("LLAMAPACK_TEST_PLUGINS") or "{}").get("cuda", {}).get("skip_reason"):
        pytest.skip(skip_reason)
    if not (value := os.environ.get(variable)):
        pytest.fail(f"{variable} is not set. Run these tests with nox -s test-cuda")
    return Path(value)


def symbols(path: Path, *, undefined: bool) -> set[str]:
    """Return the driver's functions that an object needs, or has."""
    found = lief.ELF.parse(str(path))
    assert found is not None
    names = {str(each.name) for each in found.symbols if (each.shndx == 0) == undefined}
    return {name for name in names if OF_THE_DRIVER.fullmatch(name)}


def test_functions_are_those_that_ggml_calls() -> None:
    objects = list(given("LLAMAPACK_TEST_BUILD").glob("ggml/src/ggml-cuda/CMakeFiles/ggml-cuda.dir/**/*.cu.o"))
    assert len(objects) > 100
    (own,) = given("LLAMAPACK_TEST_BUILD").glob("CMakeFiles/llamapack-cuda-driver.dir/**/cuda_driver.cpp.o")
    called = set().union(*(symbols(path, undefined=True) for path in objects))
    assert symbols(own, undefined=False) == called, "cuda_driver.cpp must have what ggml calls of the driver"


def run(folder: Path, driver: str | None) -> list[str]:
    """Compile the program with ours, and run it beside a `driver`; without one, beside a file that is none."""
    if sys.platform != "linux" or not (compiler := shutil.which("g++") or shutil.which("c++")):
        pytest.skip("it takes a C++ compiler on Linux")
    (headers,) = given("LLAMAPACK_TEST_TOOLKIT").glob("lib/python3*/site-packages/nvidia/cu*/include")
    include = ["-I", str(headers)]
    (folder / "program.cpp").write_text(PROGRAM, encoding="utf-8")
    library = folder / "libcuda.so.1"  # the first that the loader meets, on a machine with a driver, too
    library.write_text("", encoding="utf-8")
    if driver:
        (folder / "driver.cpp").write_text(driver, encoding="utf-8")
        words = [compiler, "-shared", "-fPIC", *include, str(folder / "driver.cpp"), "-o", str(library)]
        subprocess.run(words, check=True)
    program = folder / "program"
    words = [compiler, "-std=c++17", *include, str(folder / "program.cpp"), str(SOURCE), "-ldl", "-o", str(program)]
    subprocess.run(words, check=True)
    environment = {**os.environ, "LD_LIBRARY_PATH": str(folder)}
    done = subprocess.run([str(program)], env=environment, capture_output=True, check=True, encoding="utf-8")
    return done.stdout.splitlines()


NONE = "there is no NVIDIA driver: its library libcuda.so.1 or nvcuda.dll was not found"


def test_without_a_driver_every_call_fails_in_words(tmp_path: Path) -> None:
    assert run(tmp_path, None) == ["begin", f"cuDeviceGet 303 {NONE}", "device 0", f"cuMemRelease 303 {NONE}"]


def test_the_driver_is_looked_for_at_the_first_call_and_what_it_lacks_is_an_error(tmp_path: Path) -> None:
    assert run(tmp_path, DRIVER) == [
        "begin",
        "loaded",
        "cuDeviceGet 0 the driver's own words",
        "device 42",
        "cuMemRelease 302 the NVIDIA driver is too old: its library lacks a function that is needed",
    ]
