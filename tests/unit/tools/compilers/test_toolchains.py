"""Compilers are looked for in a stated order; one that does not work is never taken silently."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.compilers import toolchains, zig
from tools.compilers.toolchains import find_toolchain, with_commands, zig_toolchain
from tools.errors import ToolError
from tools.matrix import host_target, load_matrix
from tools.paths import REQUIREMENTS
from tools.util import cmd
from tools.util.venv import Environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins for compilers are shell scripts")

WORKS = 'while [ $# -gt 0 ]; do [ "$1" = -o ] && : > "$2"; shift; done'
HOST_ZIG = load_matrix().zig_target(host_target())
FAILS = 'case "$*" in *-std=*) echo "fatal error: memory: No such file" >&2; exit 1;; esac'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def nothing_tried_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchains, "WORKING", tmp_path / "compilers.json")


def put(folder: Path, name: str, body: str = WORKS) -> Path:
    program = folder / name
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{name} 1.2" && exit 0\n{body}\n')
    program.chmod(0o755)
    return program


def variables(path: Path, **more: str) -> dict[str, str]:
    return {"PATH": str(path), **more}


def test_cc_on_path_is_taken_before_gcc_and_clang(path: Path) -> None:
    for name in ("cc", "c++", "gcc", "g++", "clang", "clang++"):
        put(path, name)
    found = find_toolchain(variables(path))
    assert (found.c, found.cxx) == ((str(path / "cc"),), (str(path / "c++"),))
    assert (found.description, found.needs, found.note) == ("c++ 1.2", (), "")


def test_c_compiler_without_its_cxx_is_passed_over(path: Path) -> None:
    put(path, "gcc")
    put(path, "clang")
    put(path, "clang++")
    assert find_toolchain(variables(path)).cxx == (str(path / "clang++"),)


def test_compiler_that_cannot_link_is_passed_over(path: Path) -> None:
    put(path, "gcc")
    put(path, "g++", FAILS)
    put(path, "clang")
    put(path, "clang++")
    assert find_toolchain(variables(path)).cxx == (str(path / "clang++"),)


def test_zig_stands_in_and_says_so_where_no_compiler_is(path: Path) -> None:
    found = find_toolchain(variables(path))
    assert (found.needs, found.c, found.cxx) == (("zig",), (), ())
    assert found.note.startswith("No C++ compiler was found on PATH. Zig from PyPI is used instead;")
    assert found.description == f"zig {zig.version()} for {HOST_ZIG}"


def test_zig_note_tells_why_a_compiler_was_refused(path: Path) -> None:
    put(path, "gcc")
    broken = put(path, "g++", FAILS)
    note = find_toolchain(variables(path)).note
    assert note.startswith(f"{broken} does not build a program: fatal error: memory: No such file. Zig")


def test_named_compilers_come_first(path: Path) -> None:
    for name in ("cc", "c++", "my-gcc", "my-g++"):
        put(path, name)
    found = find_toolchain(variables(path, CC="my-gcc", CXX="my-g++ -pipe"))
    assert (found.c, found.cxx) == ((str(path / "my-gcc"),), (str(path / "my-g++"), "-pipe"))


@pytest.mark.parametrize(
    ("given", "c", "cxx"),
    [
        ({"CC": "gcc-14"}, "gcc-14", "g++-14"),
        ({"CXX": "g++-14"}, "gcc-14", "g++-14"),
        ({"CC": "clang-19"}, "clang-19", "clang++-19"),
        ({"CXX": "x86_64-linux-gnu-g++"}, "x86_64-linux-gnu-gcc", "x86_64-linux-gnu-g++"),
    ],
)
def test_partner_of_a_single_named_compiler_is_found(path: Path, given: dict[str, str], c: str, cxx: str) -> None:
    put(path, c)
    put(path, cxx)
    found = find_toolchain(variables(path, **given))
    assert (found.c, found.cxx) == ((str(path / c),), (str(path / cxx),))


def test_named_compiler_without_partner_is_refused(path: Path) -> None:
    put(path, "gcc-14")
    with pytest.raises(ToolError) as refused:
        find_toolchain(variables(path, CC="gcc-14"))
    assert refused.value.what == f"CC is {path / 'gcc-14'}, but CXX is not set and its partner was not found."
    assert refused.value.fix == "Set CXX too."


def test_named_compiler_that_is_missing_is_refused_though_others_work(path: Path) -> None:
    put(path, "cc")
    put(path, "c++")
    with pytest.raises(ToolError, match=r"^CC names gcc-99, which was not found\.\nSet CC to a compiler on PATH"):
        find_toolchain(variables(path, CC="gcc-99", CXX="g++-99"))


def test_named_compiler_that_cannot_link_is_refused_though_others_work(path: Path) -> None:
    for name in ("cc", "c++", "gcc"):
        put(path, name)
    put(path, "g++", FAILS)
    with pytest.raises(ToolError) as refused:
        find_toolchain(variables(path, CC="gcc", CXX="g++"))
    assert refused.value.what == f"{path / 'g++'} (from CC and CXX) does not build a C++17 program."
    assert refused.value.why == "fatal error: memory: No such file"


def test_compiler_is_tried_once_and_again_when_it_changed(path: Path) -> None:
    put(path, "cc")
    put(path, "c++", f'echo tried >> "{path}/log"; {WORKS}')
    for _ in range(2):
        find_toolchain(variables(path))
    assert (path / "log").read_text() == "tried\n"
    put(path, "c++", FAILS)
    assert find_toolchain(variables(path)).is_zig


def test_how_zig_is_called_is_part_of_its_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    before = zig_toolchain("linux-x86_64", {}).identity
    monkeypatch.setattr(zig, "OPTIMIZE", "another")
    assert zig_toolchain("linux-x86_64", {}).identity != before


def test_flags_of_the_environment_are_part_of_the_identity(path: Path) -> None:
    put(path, "cc")
    put(path, "c++")
    plain = find_toolchain(variables(path))
    flagged = find_toolchain(variables(path, CXXFLAGS="-g"))
    assert plain.identity != flagged.identity
    assert flagged.flags == {"CXXFLAGS": "-g"}


def test_mac_without_xcode_tools_never_calls_its_cc(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(path, "cc")
    put(path, "c++")
    select = put(path, "xcode-select", "exit 2")
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("PATH", str(select.parent))
    assert find_toolchain(variables(path)).is_zig


@pytest.fixture
def echo(tmp_path: Path) -> Environment:
    """An environment whose zig says what it is called with, a word on each line."""
    environment = Environment(folder=tmp_path / "an env")
    program = tmp_path / "an env" / "lib" / "python3.11" / "site-packages" / "ziglang" / "zig"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nfor word; do echo "$word"; done\n')
    program.chmod(0o755)
    return environment


@pytest.mark.parametrize("name", ["cc", "c++", "ar", "ranlib"])
def test_zig_script_calls_zig_relative_to_itself(tmp_path: Path, echo: Environment, name: str) -> None:
    found = with_commands(find_toolchain(variables(tmp_path)), echo, tmp_path / "scripts")
    scripts = tmp_path / "scripts" / host_target()
    said = cmd.run([scripts / f"zig-{name}", "a b"]).stdout.splitlines()
    compiles = name in {"cc", "c++"}
    assert said == [name, *(["-target", HOST_ZIG, "-fno-sanitize=undefined"] if compiles else []), "a b"]
    assert found.defines == {"CMAKE_AR": str(scripts / "zig-ar"), "CMAKE_RANLIB": str(scripts / "zig-ranlib")}
    assert str(tmp_path) not in (scripts / f"zig-{name}").read_text()


ANOTHER_MACHINE = pytest.mark.skipif(host_target() != "linux-x86_64", reason="what is another target is as seen there")


@ANOTHER_MACHINE
@pytest.mark.parametrize(
    ("target", "zig_name", "system", "processor"),
    [
        ("linux-aarch64", "aarch64-linux-gnu.2.28", "Linux", "aarch64"),
        ("windows-x86_64", "x86_64-windows-gnu", "Windows", "AMD64"),
        ("windows-arm64", "aarch64-windows-gnu", "Windows", "ARM64"),
        ("macos-arm64", "aarch64-macos.14.0", "Darwin", "arm64"),
        ("macos-x86_64", "x86_64-macos.14.0", "Darwin", "x86_64"),
    ],
)
def test_zig_compiles_for_another_target_and_cmake_is_told(
    tmp_path: Path, echo: Environment, target: str, zig_name: str, system: str, processor: str
) -> None:
    found = with_commands(zig_toolchain(target, {}), echo, tmp_path / "scripts")
    said = cmd.run([found.c[0], "-c"]).stdout.splitlines()
    assert said == ["cc", "-target", zig_name, "-fno-sanitize=undefined", "-c"]
    assert (found.defines["CMAKE_SYSTEM_NAME"], found.defines["CMAKE_SYSTEM_PROCESSOR"]) == (system, processor)
    assert ("CMAKE_RC_COMPILER" in found.defines) == (system == "Windows")
    assert found.description == f"zig {zig.version()} for {zig_name}"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("-march=armv8-a", "-mcpu=generic+v8a"),
        ("-march=armv8.2-a+dotprod+fp16+sve", "-mcpu=generic+v8_2a+dotprod+fullfp16+sve"),
        ("-march=armv8.6-a+dotprod+fp16+sve+i8mm+sve2", "-mcpu=generic+v8_6a+dotprod+fullfp16+sve+i8mm+sve2"),
        ("-march=armv9.2-a+dotprod+i8mm+sve+sve2+sme", "-mcpu=generic+v9_2a+dotprod+i8mm+sve+sve2+sme"),
        ("-march=armv9.2-a+dotprod+i8mm+sve+sme", "-mcpu=generic+v8_7a+dotprod+i8mm+sve+sme"),
        ("-march=armv9.2-a+dotprod+i8mm+nosve+sme", "-mcpu=generic+v8_7a+dotprod+i8mm-sve+sme"),
        ("-DFLAGS=-march=armv8-a b", "-DFLAGS=-march=armv8-a b"),
    ],
)
def test_processors_of_arm_are_named_in_zigs_words(tmp_path: Path, echo: Environment, asked: str, given: str) -> None:
    found = with_commands(zig_toolchain("linux-aarch64", {}), echo, tmp_path / "scripts")
    assert cmd.run([found.cxx[0], asked, "-c"]).stdout.splitlines()[-2:] == [given, "-c"]


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (["-O3", "-c", "a.c"], ["-Xclang", "-O3"]),
        (["-c", "a.c", "-O3"], ["-Xclang", "-O3"]),
        (["-O2", "-c", "a.c"], []),
        (["-O3", "a.o", "-shared"], []),
        (["-c", "a -O3 b.c"], []),
    ],
)
def test_zig_is_told_twice_to_optimize_more_than_it_likes_to(
    tmp_path: Path, echo: Environment, words: list[str], more: list[str]
) -> None:
    found = with_commands(zig_toolchain("windows-x86_64", {}), echo, tmp_path / "scripts")
    assert cmd.run([found.cxx[0], *words]).stdout.splitlines()[-len(words + more) :] == [*words, *more]


def test_flags_for_x86_reach_zig_as_they_are(tmp_path: Path, echo: Environment) -> None:
    found = with_commands(zig_toolchain("windows-x86_64", {}), echo, tmp_path / "scripts")
    assert cmd.run([found.cxx[0], "-march=haswell"]).stdout.splitlines()[-1] == "-march=haswell"


def test_zig_is_taken_where_it_is_asked_for_though_others_work(path: Path) -> None:
    put(path, "cc")
    put(path, "c++")
    found = find_toolchain(variables(path, LLAMAPACK_COMPILER="zig"))
    assert (found.is_zig, found.target, found.note) == (True, host_target(), "")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"LLAMAPACK_COMPILER": "icc"}, "LLAMAPACK_COMPILER is 'icc'.\nSet it to `zig`, or unset it;"),
        (
            {"LLAMAPACK_COMPILER": "zig", "CXX": "g++"},
            "LLAMAPACK_COMPILER asks for zig, and CXX for another compiler.\nUnset LLAMAPACK_COMPILER, or CXX.",
        ),
    ],
)
def test_unknown_or_contradicting_wishes_are_refused(path: Path, given: dict[str, str], message: str) -> None:
    with pytest.raises(ToolError) as refused:
        find_toolchain(variables(path, **given))
    assert str(refused.value).startswith(message)


def test_pinned_zig_is_the_one_of_the_matrix() -> None:
    pins = (REQUIREMENTS / "zig.txt").read_text(encoding="utf-8").splitlines()
    assert [pin.split()[0] for pin in pins if "==" in pin] == [f"ziglang=={zig.version()}"]
