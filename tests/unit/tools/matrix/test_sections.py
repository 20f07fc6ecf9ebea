"""A wrong matrix.toml is refused with the bad key and the valid values."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.made_matrix import TOML, made_matrix
from tools.errors import ToolError
from tools.matrix import read_matrix
from tools.matrix.session_names import session_names
from tools.paths import ROOT

TARGETS = "Valid targets: linux-x86_64, windows-x86_64, macos-arm64."
LINUX = "[targets.linux-x86_64]\n"

UNKNOWN_KEYS = [
    (
        "",
        "top = 1\n",
        "matrix.toml: the file has an unknown key 'top'.",
        "verified, tried, targets, backends, levels, flags, gpu, toolchains, python",
    ),
    (
        LINUX,
        LINUX + "level = 1\n",
        "matrix.toml: targets.linux-x86_64 has an unknown key 'level'.",
        "levels, zig, wheel, runner, emulated",
    ),
    (
        "[backends.cuda]\n",
        "[backends.cuda]\nx = 1\n",
        "matrix.toml: backends.cuda has an unknown key 'x'.",
        "wheel, targets, device, compiled, loaded, software, audited",
    ),
    (
        'name = "haswell"',
        'name = "haswell"\nflag = []',
        "matrix.toml: levels.x86[1] has an unknown key 'flag'.",
        "name, flags, qemu",
    ),
    ('kind = "ptx"', 'kind = "ptx"\nx = 1', "matrix.toml: gpu.cuda[0] has an unknown key 'x'.", "arch, kind, reason"),
    (
        'version = "2.28"',
        'version = "2.28"\nx = 1',
        "matrix.toml: toolchains.glibc has an unknown key 'x'.",
        "version, use, reason",
    ),
    (
        'session = "test-cpu"',
        'session = "a"\nx = 1',
        "matrix.toml: verified[0] has an unknown key 'x'.",
        "build, session",
    ),
    ("[python]\n", "[python]\nx = 1\n", "matrix.toml: python has an unknown key 'x'.", "wheels, tools"),
    (
        '= "qemu-x86_64"',
        '= "qemu-x86_64", plan9 = "x"',
        "matrix.toml: targets.linux-x86_64.emulated has an unknown key 'plan9'.",
        "linux-x86_64, windows-x86_64, macos-arm64",
    ),
    (
        '= "lavapipe" }',
        '= "lavapipe" }\nmacos-arm64 = {}',
        "matrix.toml: backends.vulkan.software has an unknown key 'macos-arm64'.",
        "linux-x86_64, windows-x86_64",
    ),
    (
        '= "lavapipe"',
        '= "lavapipe", plan9 = "x"',
        "matrix.toml: backends.vulkan.software.linux-x86_64 has an unknown key 'plan9'.",
        "linux-x86_64, windows-x86_64, macos-arm64",
    ),
]

UNKNOWN_VALUES = [
    (
        'targets = ["linux-x86_64", "windows-x86_64"]\ndevice = "an',
        'targets = ["linux-x86", "windows-x86_64"]\ndevice = "an',
        "matrix.toml: backends.cuda.targets names 'linux-x86', which is no target.",
        TARGETS,
    ),
    (
        'compiled = { windows-x86_64 = ["linux-x86_64"] }',
        'compiled = { windows-x86_64 = ["linux"] }',
        "matrix.toml: backends.cpu.compiled.windows-x86_64 names 'linux', which is no target.",
        TARGETS,
    ),
    (
        "[[gpu.cuda]]",
        "[[gpu.cude]]",
        "matrix.toml: gpu names 'cude', which is no backend.",
        "Valid backends: cpu, vulkan, cuda.",
    ),
    (
        'levels = "apple"',
        'levels = "pear"',
        "matrix.toml: targets.macos-arm64.levels names 'pear', which is no level group.",
        "Valid level groups: x86, apple.",
    ),
    (
        'flags = ["AVX2"]',
        'flags = ["AVX3"]',
        "matrix.toml: levels.x86[1].flags names 'AVX3', which is no flag.",
        "Valid flags: AVX2, AVX512, DOTPROD.",
    ),
    (
        '"wine"',
        '"vine"',
        "matrix.toml: targets.windows-x86_64.emulated.linux-x86_64 names 'vine', which is no emulator.",
        "Valid emulators: qemu-x86_64, qemu-aarch64, wine.",
    ),
    (
        'session = "test-cpu"',
        'session = "test-cpus"',
        "matrix.toml: verified[0].session names 'test-cpus', which is no session.",
        f"Valid sessions: {', '.join(session_names())}.",
    ),
    (
        'wheel = "manylinux_{glibc}_x86_64"',
        'wheel = "manylinux_{glibc}_x86"',
        "matrix.toml: targets.linux-x86_64.wheel names 'manylinux_{glibc}_x86', which is no platform tag.",
        "Valid platform tags: manylinux_{glibc}_x86_64.",
    ),
    (
        'wheel = "win_amd64"',
        'wheel = "win_arm64"',
        "matrix.toml: targets.windows-x86_64.wheel names 'win_arm64', which is no platform tag.",
        "Valid platform tags: win_amd64.",
    ),
    (
        'zig = "aarch64-macos.{macos}"',
        'zig = "arm64-macos"',
        "matrix.toml: targets.macos-arm64.zig names 'arm64-macos', which is no zig target.",
        "Valid zig targets: aarch64-macos.{macos}.",
    ),
    (
        'kind = "ptx"',
        'kind = "virtual"',
        "matrix.toml: gpu.cuda[0].kind names 'virtual', which is no kind.",
        "Valid kinds: real, ptx, gfx.",
    ),
    (
        'use = "floor"\nreason = "old"',
        'use = "roof"\nreason = "old"',
        "matrix.toml: toolchains.glibc.use names 'roof', which is no use.",
        "Valid uses: exact, floor.",
    ),
    (
        'build = "cpu-linux-x86_64"',
        'build = "cuda-macos-arm64"',
        "matrix.toml: verified[0].build names 'cuda-macos-arm64', which is no build.",
        "Valid builds: cpu-linux-x86_64, cpu-windows-x86_64, cpu-macos-arm64, "
        "vulkan-linux-x86_64, vulkan-windows-x86_64, cuda-linux-x86_64, cuda-windows-x86_64.",
    ),
]

MISSING = [
    ('zig = "x86_64-windows-gnu"\n', "matrix.toml: targets.windows-x86_64 has no 'zig'.", "Add it: a string."),
    ("emulated = {}\n", "matrix.toml: targets.macos-arm64 has no 'emulated'.", "Add it: a table."),
    ('device = "an NVIDIA GPU"\n', "matrix.toml: backends.cuda has no 'device'.", "Add it: a string."),
    ('flags = ["DOTPROD"]\n', "matrix.toml: levels.apple[0] has no 'flags'.", "Add it: a list."),
    ('reason = "Turing"\n', "matrix.toml: gpu.cuda[0] has no 'reason'.", "Add it: a string."),
    ('reason = "old"\n', "matrix.toml: toolchains.glibc has no 'reason'.", "Add it: a string."),
    ('session = "test-cpu"\n', "matrix.toml: verified[0] has no 'session'.", "Add it: a string."),
    ('wheels = ["3.10", "3.13"]\n', "matrix.toml: python has no 'wheels'.", "Add it: a list."),
    (TOML[TOML.index("[python]") :], "matrix.toml: the file has no 'python'.", "Add it: a table."),
    (
        TOML[TOML.index("[backends.cpu]") : TOML.index("[backends.vulkan]")],
        "matrix.toml: backends has no 'cpu'.",
        "Add it: a table.",
    ),
    (
        TOML[TOML.index("[toolchains.macos]") : TOML.index("[python]")],
        "matrix.toml: toolchains has no 'macos'.",
        "Add it: a table.",
    ),
]

WRONG_TYPES = [
    (
        'runner = "macos-15"',
        "runner = 15",
        "matrix.toml: targets.macos-arm64.runner is 15, a number.",
        "It must be a string.",
    ),
    (
        'levels = "apple"',
        "levels = 2026-11-22",
        "matrix.toml: targets.macos-arm64.levels is datetime.date(2026, 11, 22), a date or time.",
        "It must be a string.",
    ),
    (
        'targets = ["linux-x86_64", "windows-x86_64"]\ndevice = "an',
        'targets = "linux-x86_64"\ndevice = "an',
        "matrix.toml: backends.cuda.targets is 'linux-x86_64', a string.",
        "It must be a list.",
    ),
    ('flags = ["AVX2"]', "flags = [2]", "matrix.toml: levels.x86[1].flags[0] is 2, a number.", "It must be a string."),
    (
        "emulated = {}",
        "emulated = true",
        "matrix.toml: targets.macos-arm64.emulated is True, true or false.",
        "It must be a table.",
    ),
    (
        '[[gpu.cuda]]\narch = "75"\nkind = "ptx"\nreason = "Turing"\n',
        "[gpu]\ncuda = [75]\n",
        "matrix.toml: gpu.cuda[0] is 75, a number.",
        "It must be a table.",
    ),
    (
        'name = "haswell"',
        'name = ""',
        "matrix.toml: levels.x86[1].name is empty.",
        "It must be a string with something in it.",
    ),
    (
        'flags = ["AVX2"]',
        'flags = ["AVX2", "AVX2"]',
        "matrix.toml: levels.x86[1].flags names 'AVX2' twice.",
        "Remove one of them.",
    ),
    ('name = "haswell"', 'name = "x64"', "matrix.toml: levels.x86 has 'x64' twice.", "Remove one of them."),
    (
        'name = "haswell"',
        'name = "Has-well"',
        "matrix.toml: levels.x86[1].name is 'Has-well'.",
        "It must be small letters, digits, dots and underscores.",
    ),
    (
        "[targets.macos-arm64]",
        "[targets.darwin-arm64]",
        "matrix.toml: a name in targets cannot be 'darwin-arm64'.",
        "It must be linux-, windows- or macos- and a processor.",
    ),
    (
        'version = "2.28"',
        'version = "2.x"',
        "matrix.toml: toolchains.glibc.version is '2.x'.",
        "It must be digits and dots, as in 13.0.",
    ),
    (
        'tools = ["3.11", "3.13"]',
        'tools = ["cp311"]',
        "matrix.toml: python.tools cannot be 'cp311'.",
        "It must be digits and dots, as in 3.13.",
    ),
]


def refusal(folder: Path, old: str, new: str) -> ToolError:
    assert old in TOML
    with pytest.raises(ToolError) as caught:
        made_matrix(folder, TOML.replace(old, new, 1) if old else new + TOML)
    return caught.value


@pytest.mark.parametrize(("old", "new", "what", "keys"), UNKNOWN_KEYS)
def test_unknown_key_is_refused_with_the_valid_ones(tmp_path: Path, old: str, new: str, what: str, keys: str) -> None:
    error = refusal(tmp_path, old, new)
    assert (error.what, error.fix) == (what, f"Valid keys: {keys}.")


@pytest.mark.parametrize(("old", "new", "what", "fix"), UNKNOWN_VALUES)
def test_unknown_name_is_refused_with_the_valid_ones(tmp_path: Path, old: str, new: str, what: str, fix: str) -> None:
    error = refusal(tmp_path, old, new)
    assert (error.what, error.fix) == (what, fix)


@pytest.mark.parametrize(("gone", "what", "fix"), MISSING)
def test_missing_field_is_refused_with_its_type(tmp_path: Path, gone: str, what: str, fix: str) -> None:
    error = refusal(tmp_path, gone, "")
    assert (error.what, error.fix) == (what, fix)


@pytest.mark.parametrize(("old", "new", "what", "fix"), WRONG_TYPES)
def test_wrong_value_is_refused_with_the_rule(tmp_path: Path, old: str, new: str, what: str, fix: str) -> None:
    error = refusal(tmp_path, old, new)
    assert (error.what, error.fix) == (what, fix)


def test_the_unchanged_matrix_is_accepted(tmp_path: Path) -> None:
    assert sorted(made_matrix(tmp_path).targets) == ["linux-x86_64", "macos-arm64", "windows-x86_64"]


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        read_matrix(tmp_path / "matrix.toml")
    assert caught.value.what == f"{tmp_path / 'matrix.toml'} was not found."
    assert caught.value.fix == f"Get it back: git checkout -- {tmp_path / 'matrix.toml'}"


def test_broken_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        made_matrix(tmp_path, "[targets\nx = 1\n")
    assert caught.value.what == "matrix.toml is not valid TOML."
    assert "line 1" in caught.value.why


def test_runner_of_another_system_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, 'runner = "windows-2025"', 'runner = "ubuntu-24.04"')
    assert error.what == "matrix.toml: targets.windows-x86_64.runner is 'ubuntu-24.04'."
    assert error.fix == "It must be the name of a machine of the workflows that begins with windows-."


def test_names_of_sessions_are_those_that_nox_knows() -> None:
    pytest.importorskip("nox")
    argv = [sys.executable, "-m", "nox", "--list", "--no-color"]
    listed = subprocess.run(argv, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    assert set(session_names()) == set(re.findall(r"^[-*] ([\w-]+)", listed, re.MULTILINE))


def test_nox_shows_the_message_and_no_traceback(tmp_path: Path) -> None:
    pytest.importorskip("nox")
    shutil.copy(ROOT / "noxfile.py", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    text = (ROOT / "matrix.toml").read_text(encoding="utf-8").replace('session = "test-cpu"', 'session = "test-cpus"')
    (tmp_path / "matrix.toml").write_text(text, encoding="utf-8")
    argv = [sys.executable, "-m", "nox", "--list"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "matrix.toml: verified[0].session names 'test-cpus', which is no session.",
        f"Valid sessions: {', '.join(session_names())}.",
    ]
