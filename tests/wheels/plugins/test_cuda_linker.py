"""How the CUDA plug-in is linked: for an older C library than this machine's; exceptions and threads work as before.

Run by nox -s test-cuda, with the linker that the wheel was made with.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import lief
import pytest

from tests.support.given import given_path
from tools.audit.wheel import FLOORS
from tools.matrix import load_matrix
from tools.paths import CORE

SESSION = "nox -s test-cuda"
PROJECT = """
cmake_minimum_required(VERSION 3.26)
project(linked LANGUAGES C CXX)
set(LLAMAPACK_SHARED "@SHARED@")
include("${LLAMAPACK_SHARED}/LlamapackLinker.cmake")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
find_package(Threads REQUIRED)
add_library(whole MODULE module.cpp)
add_library(plugin MODULE module.cpp)
llamapack_link_older(plugin)
target_sources(whole PRIVATE $<TARGET_OBJECTS:llamapack-newer-glibc>)
foreach(_target IN ITEMS plugin whole)
    target_link_libraries(${_target} PRIVATE Threads::Threads)
    target_link_options(${_target} PRIVATE "LINKER:-z,defs" "LINKER:--version-script=${CMAKE_SOURCE_DIR}/exports.map")
endforeach()
execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=libstdc++.a
    OUTPUT_VARIABLE _all OUTPUT_STRIP_TRAILING_WHITESPACE)
target_link_libraries(whole PRIVATE "LINKER:--whole-archive" "${_all}" "LINKER:--no-whole-archive")
add_executable(program program.cpp)
target_link_libraries(program PRIVATE ${CMAKE_DL_LIBS})
"""
EXPORTS = "{ global: caught_inside; throw_out; threads_end; numbers; local: *; };\n"
MODULE = """
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static int ended = 0;
struct Counted { bool used = false; ~Counted() { ended += used; } };
static thread_local Counted counted;

extern "C" int caught_inside() {
    try {
        return std::vector<int>().at(1);
    } catch (const std::out_of_range &) {
        return 1;
    }
}

extern "C" void throw_out(const char * text) { throw std::runtime_error(text); }

extern "C" int threads_end(int count) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; i++) {
        threads.emplace_back([] { counted.used = true; });
        threads.back().join();
    }
    return ended;
}

extern "C" long numbers(const char * text) {
    int second = 0;
    std::sscanf(text, "%*d %d", &second);
    auto shared = std::make_shared<int>(std::stoi(text));
    char * end = nullptr;
    return *shared + second + (std::strtoul(text, &end, 10) > 0) + (std::random_device()() & 0);
}
"""
PROGRAM = """
#include <dlfcn.h>
#include <cstdio>
#include <stdexcept>

template <typename Function> Function * named(void * library, const char * name) {
    return reinterpret_cast<Function *>(dlsym(library, name));
}

struct Cleaned { ~Cleaned() { std::puts("cleaned"); } };

int main(int, char ** arguments) {
    void * library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        std::puts(dlerror());
        return 1;
    }
    std::printf("caught %d\\n", named<int()>(library, "caught_inside")());
    try {
        Cleaned here;
        named<void(const char *)>(library, "throw_out")("thrown by the module");
    } catch (const std::runtime_error & error) {
        std::puts(error.what());
    }
    std::printf("ended %d\\n", named<int(int)>(library, "threads_end")(3));
    std::printf("numbers %ld\\n", named<long(const char *)>(library, "numbers")("30 11"));
}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the modules, linked as a plug-in is, and the program that loads one."""
    if skip_reason := json.loads(os.environ.get("LLAMAPACK_TEST_PLUGINS") or "{}").get("cuda", {}).get("skip_reason"):
        pytest.skip(skip_reason)
    cache = (given_path("LLAMAPACK_TEST_BUILD", SESSION) / "CMakeCache.txt").read_text(encoding="utf-8")
    held = dict(re.findall(r"^(\w+):\w+=(.*)$", cache, re.MULTILINE))
    if not held["LLAMAPACK_LINKER"]:
        pytest.skip("the compilers link here: zig does on Linux alone, for an older C library")
    folder = tmp_path_factory.mktemp("linked")
    project = PROJECT.replace("@SHARED@", str(CORE / "native" / "shared"))
    texts = {"CMakeLists.txt": project, "exports.map": EXPORTS, "module.cpp": MODULE, "program.cpp": PROGRAM}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    build = str(folder / "build")
    taken = ("LLAMAPACK_LINKER", "CMAKE_C_COMPILER", "CMAKE_CXX_COMPILER", "CMAKE_MAKE_PROGRAM")
    chosen = [f"-D{name}={held[name]}" for name in taken]
    for arguments in (["-G", "Ninja", "-S", str(folder), "-B", build, *chosen], ["--build", build]):
        command = [held["CMAKE_COMMAND"], *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return Path(build)


@pytest.mark.parametrize("name", ["libplugin.so", "libwhole.so"])
def test_the_oldest_system_has_all_that_is_needed(built: Path, name: str) -> None:
    """`whole` has all of this compiler's libstdc++ in it, whatever of it the plug-in takes."""
    found = lief.ELF.parse(str(built / name))
    assert found is not None
    major, minor = map(int, load_matrix().toolchains["glibc"].version.split("."))
    floor = FLOORS[major, minor]
    needed = {str(library) for library in found.libraries}
    system = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"}
    assert "libgcc_s.so.1" in needed  # unwinds through all libraries
    assert {each for each in needed - system if not each.startswith("ld-linux")} == {"libgcc_s.so.1"}
    for library in found.symbols_version_requirement:
        for version in (str(each.name) for each in library.get_auxiliary_symbols()):
            family, _, number = version.rpartition("_")
            assert tuple(map(int, re.findall(r"\d+", number))) <= floor[family], version


def test_exceptions_threads_and_numbers_work_across_the_boundary(built: Path) -> None:
    done = subprocess.run(
        [built / "program", built / "libplugin.so"], capture_output=True, encoding="utf-8", check=False
    )
    assert done.stdout.splitlines() == ["caught 1", "cleaned", "thrown by the module", "ended 3", "numbers 42"]
    assert done.returncode == 0
