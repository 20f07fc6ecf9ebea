"""Each wheel is built where one of its inputs changed, and only there."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tools.building import build as build_module
from tools.building import upstream_programs, wheels
from tools.building.build import COLD_BUILD_MIB, Build, BuildEnvironment, forget_another_compiler
from tools.building.wheels import core_wheel, found_wheels, host_wheel, portable_wheel, wheel_for
from tools.compilers.compiler_cache import CompilerCache
from tools.compilers.toolchain import Toolchain
from tools.errors import ToolError
from tools.paths import Checkout
from tools.toolkits.toolkit import Elsewhere, Kit
from tools.util.venv import Environment
from tools.vendoring.source.manifest import MANIFEST

INPUTS = {
    "native/CMakeLists.txt": "native sources",
    "native/src/engine.cpp": "native sources",
    "src/llamapack/model/model.py": "Python sources",
    "pyproject.toml": "package metadata",
    "README.md": "package metadata",
    "LICENSE": "package metadata",
    "native/llama.cpp/llamapack-manifest.json": "llama.cpp's source",
}


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one file of each kind in core and plug-in, and no compiler that anyone calls."""
    for name in [*INPUTS, "native/llama.cpp/ggml.c"]:
        for file in (tmp_path / "packages" / "cpu" / name, tmp_path / "packages" / "vulkan" / name):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name)
    monkeypatch.setattr(wheels, "HERE", Checkout(root=tmp_path))
    for module in (build_module, wheels):
        monkeypatch.setattr(module, "BUILD", tmp_path / "build")
    monkeypatch.setattr(wheels, "DIST", tmp_path / "dist")
    monkeypatch.setattr(wheels, "ensure_page", lambda: None)
    monkeypatch.setattr(build_module, "package_folder", lambda backend: tmp_path / "packages" / backend)
    kits = {**wheels.KITS, "vulkan": lambda target: Kit(inputs={"Vulkan kit": "headers 1.4"})}
    monkeypatch.setattr(wheels, "KITS", kits)
    monkeypatch.setattr(wheels, "host_target", lambda: "linux-x86_64")
    monkeypatch.setattr(wheels, "find_toolchain", lambda: Toolchain(c=("cc",), cxx=("c++",), description="c++ 12"))
    return tmp_path / "packages" / "cpu"


@pytest.fixture
def built(core: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids that were built, each into a small file."""
    ids: list[str] = []

    def build(build: Build) -> Path:
        ids.append(build.id)
        (dist := core.parent.parent / "dist").mkdir(exist_ok=True)
        wheel = dist / f"{build.backend}-0-py3-none-{build.tag or 'any'}.whl"
        wheel.write_text(f"wheel {len(ids)}")
        return wheel

    monkeypatch.setattr(wheels, "_build", build)
    return ids


def changes(said: list[str]) -> str:
    """Return what the last message says that has changed."""
    return said[-1].partition("Changed: ")[2]


def test_first_call_builds_and_second_does_not(built: list[str], said: list[str]) -> None:
    first = core_wheel()
    said.clear()
    assert core_wheel() == first
    assert said == []
    assert built == ["cpu-linux-x86_64"]


@pytest.mark.parametrize(("name", "kind"), INPUTS.items())
def test_changed_input_rebuilds_and_is_named(
    core: Path, built: list[str], name: str, kind: str, said: list[str]
) -> None:
    core_wheel()
    (core / name).write_text("something else")
    core_wheel()
    assert (len(built), changes(said)) == (2, kind)


def test_plugin_is_built_apart_from_the_core(core: Path, built: list[str], said: list[str]) -> None:
    assert host_wheel("vulkan").name == "vulkan-0-py3-none-any.whl"
    (core / "pyproject.toml").write_text("something else")
    assert core_wheel() != host_wheel("vulkan")
    assert built == ["vulkan-linux-x86_64", "cpu-linux-x86_64"]
    first = "Building the {} wheel ({}-linux-x86_64). It was not built here before."
    assert said == [first.format("vulkan", "vulkan"), first.format("core", "cpu")]


def test_wheels_of_other_targets_and_portable_ones_are_built_by_zig_beside_the_hosts(
    built: list[str], said: list[str]
) -> None:
    made = [wheel_for("cpu", "linux-x86_64"), wheel_for("cpu", "windows-arm64"), portable_wheel("cpu", "linux-x86_64")]
    tags = ["any", "win_arm64", "manylinux_2_28_x86_64"]
    assert [wheel.name for wheel in made] == [f"cpu-0-py3-none-{tag}.whl" for tag in tags]
    said.clear()
    assert [wheel_for("cpu", "windows-arm64"), core_wheel()] == [made[1], made[0]]
    assert said == []
    assert built == ["cpu-linux-x86_64", "cpu-windows-arm64", "cpu-linux-x86_64"]


def test_other_kit_rebuilds(built: list[str], monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    host_wheel("vulkan")
    other = {"vulkan": lambda target: Kit(inputs={"Vulkan kit": "headers 1.5"})}
    monkeypatch.setattr(wheels, "KITS", other)
    host_wheel("vulkan")
    assert changes(said) == "Vulkan kit"


def test_new_file_of_ours_rebuilds(core: Path, built: list[str]) -> None:
    core_wheel()
    (core / "native" / "src" / "new.cpp").touch()
    core_wheel()
    assert len(built) == 2


@pytest.mark.parametrize("name", ["native/llama.cpp/ggml.c", "src/llamapack/__pycache__/model.pyc", "notes.txt"])
def test_other_files_do_not_rebuild(core: Path, built: list[str], name: str) -> None:
    core_wheel()
    (core / name).parent.mkdir(exist_ok=True)
    (core / name).write_text("something else")
    core_wheel()
    assert len(built) == 1


def test_other_compiler_rebuilds(built: list[str], monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    core_wheel()
    monkeypatch.setattr(wheels, "find_toolchain", lambda: Toolchain(description="zig", note="Zig is used."))
    said.clear()
    core_wheel()
    assert said == ["Building the core wheel (cpu-linux-x86_64). Changed: compiler", "Zig is used."]


def test_what_another_compiler_made_is_dropped(tmp_path: Path) -> None:
    folder, gcc, clang = tmp_path / "build", Toolchain(description="gcc"), Toolchain(description="clang")
    assert forget_another_compiler(gcc, folder)
    (folder / "a.o").touch()
    assert not forget_another_compiler(gcc, folder)
    assert (folder / "a.o").exists()
    assert forget_another_compiler(clang, folder)
    assert not (folder / "a.o").exists()


def test_a_build_by_another_compiler_that_failed_leaves_nothing_called_built(
    core: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compilers: list[str] = []

    def make(build: Build, environment: object, *, package: Path, folder: Path, out: Path) -> Path:
        compilers.append(build.toolchain.description)
        if build.toolchain.description == "broken":
            raise ToolError("The core wheel could not be built.")
        (out / "a-0-py3-none-any.whl").touch()
        return out / "a-0-py3-none-any.whl"

    monkeypatch.setattr(wheels, "build_environment", lambda build: None)
    monkeypatch.setattr(wheels, "make_wheel", make)
    core_wheel()
    with monkeypatch.context() as other:
        other.setattr(wheels, "find_toolchain", lambda: Toolchain(description="broken"))
        with pytest.raises(ToolError):
            core_wheel()
    core_wheel()
    core_wheel()
    assert compilers == ["c++ 12", "broken", "c++ 12"]


def test_other_levels_rebuild(built: list[str], monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    core_wheel()
    monkeypatch.setenv("LLAMAPACK_CPU_LEVELS", "haswell")
    core_wheel()
    assert changes(said) == "CPU levels"


def test_other_flags_of_a_level_rebuild(built: list[str], monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    core_wheel()
    monkeypatch.setenv("LLAMAPACK_CPU_FLAGS", "-mavx2")
    core_wheel()
    assert changes(said) == "flags for the processor"


def test_a_plugin_is_compiled_with_the_flags_too(core: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, defines = ({"Vulkan kit": "headers 1.4"}, {"LLAMAPACK_CPU_LEVELS": "all", "LLAMAPACK_CPU_FLAGS": ""})
    assert wheels.kit("vulkan", "linux-x86_64") == Kit(inputs=inputs, defines=defines)
    monkeypatch.setenv("LLAMAPACK_CPU_LEVELS", "custom")
    monkeypatch.setenv("LLAMAPACK_CPU_FLAGS", "-mavx2")
    found = wheels.kit("vulkan", "linux-x86_64")
    assert found.inputs == {**inputs, "flags for the processor": "-mavx2"}
    assert found.defines == {"LLAMAPACK_CPU_LEVELS": "custom", "LLAMAPACK_CPU_FLAGS": "-mavx2"}


@pytest.mark.parametrize("damage", [Path.unlink, lambda wheel: wheel.write_text("other")])
def test_missing_or_altered_wheel_is_built_again(built: list[str], damage: object, said: list[str]) -> None:
    assert callable(damage)
    damage(core_wheel())
    assert core_wheel().read_text() == "wheel 2"
    assert changes(said) == "wheel file"


def test_failed_build_is_tried_again_and_the_old_wheel_stays(
    core: Path, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = core_wheel()
    (core / "LICENSE").write_text("something else")

    def fail(*_: object) -> Path:
        raise ToolError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(wheels, "_build", fail)
        with pytest.raises(ToolError, match=r"^no room$"):
            core_wheel()
    assert old.read_text() == "wheel 1"
    core_wheel()
    assert len(built) == 2


def test_two_builds_at_once_take_turns(built: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    build = wheels._build
    inside: list[str] = []

    def slow_build(*arguments: object) -> Path:
        inside.append("in")
        assert len(inside) == 1
        time.sleep(0.1)
        inside.pop()
        return build(*arguments)  # type: ignore[arg-type]  # a stand-in

    monkeypatch.setattr(wheels, "_build", slow_build)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: core_wheel(), range(2))
    assert first == second
    assert built == ["cpu-linux-x86_64"]


def test_missing_source_stops_before_anything_is_built(core: Path, built: list[str]) -> None:
    tree = core / "native" / "llama.cpp"
    (tree / MANIFEST).unlink()
    with pytest.raises(ToolError) as refusal:
        core_wheel()
    assert str(refusal.value) == (f"llama.cpp's source is not in {tree}.\nRun: inv vendor.apply-patches vendor.sync")
    assert built == []


def test_full_disk_is_refused_before_a_compiler_runs(core: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path, mib: int, *, purpose: str) -> None:
        assert (folder, mib, purpose) == (core.parent.parent / "build", COLD_BUILD_MIB, "the build")
        raise ToolError("full")

    monkeypatch.setattr(wheels, "require_space", refuse)
    monkeypatch.setattr(wheels, "build_environment", pytest.fail)
    with pytest.raises(ToolError, match=r"^full$"):
        core_wheel()
    assert not (core.parent.parent / "dist").exists()


def test_unknown_upstream_program_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ToolError, match=r"^Upstream's llama-nothing cannot be built here\.\nKnown: llamapack-reference,"
    ):
        upstream_programs.build_upstream(["llama-nothing"])


def test_a_build_elsewhere_has_its_own_python_and_no_more_variables_than_it_needs(tmp_path: Path) -> None:
    def command(words: Sequence[str], variables: Mapping[str, str], folder: Path) -> list[str]:
        assert variables == {
            "CC": "clang",
            "PATH": f"/usr/bin:{environment.programs}",
            "PYTHONPATH": str(environment.packages),
        }
        return ["enter", str(folder), *words]

    environment = Environment(folder=tmp_path)
    (tmp_path / "lib/python3.11/site-packages").mkdir(parents=True)
    elsewhere = Elsewhere(command=command, python="python3.14", path="/usr/bin")
    there = BuildEnvironment(venv=environment, settings={"CC": "clang"}, defines={}, elsewhere=elsewhere)
    assert there.python(["-m", "build"], tmp_path) == ["enter", str(tmp_path), "python3.14", "-m", "build"]
    here = BuildEnvironment(venv=environment, settings={"CC": "clang"}, defines={})
    assert here.python(["-m", "build"], tmp_path) == [str(environment.python), "-m", "build"]
    assert here.variables == {**os.environ, "CC": "clang"}


def test_the_kits_compilers_are_taken_where_it_has_some(core: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Toolchain(c=("clang-21",), cxx=("clang++-21",), description="clang 21")
    monkeypatch.setattr(wheels, "KITS", {"vulkan": lambda target: Kit(inputs={}, toolchain=own), "cpu": wheels.cpu_kit})
    assert wheels.host_build("vulkan").toolchain == own
    assert wheels.host_build("cpu").toolchain.description == "c++ 12"


OURS = "llamapack-0.1.0-py3-none-manylinux_2_28_x86_64.whl"
PLUGIN = "llamapack_cuda-0.1.0-py3-none-linux_x86_64.whl"
OTHERS = (
    "llamapack-0.1.0-py3-none-manylinux_2_28_aarch64.whl",
    "llamapack-0.1.0-py3-none-win_amd64.whl",
    "llamapack_vulkan-0.1.0-py3-none-linux_x86_64.whl",
    "numpy-2.3.4-cp312-cp312-manylinux_2_28_x86_64.whl",
)


def test_what_zig_links_has_the_tag_of_the_oldest_system_and_is_built_again_by_another_zig(
    core: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linker = Toolchain(description="zig 1", needs=("zig",), target="linux-x86_64", zig_identity="a")
    own = Toolchain(c=("cc",), cxx=("c++",), description="c++ 12")

    def build(linker: Toolchain | None) -> Build:
        found = Kit(inputs={}, toolchain=own, linker=linker)
        return Build(backend="vulkan", target="linux-x86_64", toolchain=own, kit=found)

    assert build(None).tag == ""
    found, other = build(linker), build(replace(linker, zig_identity="b"))
    assert found.tag == "manylinux_2_28_x86_64"
    assert found.folder == build(None).folder
    assert {name for name, value in found.inputs().items() if other.inputs()[name] != value} == {"linker"}
    monkeypatch.setattr(build_module, "ensure_environment", lambda names: Environment(folder=Path(*names)))
    monkeypatch.setattr(build_module, "with_commands", lambda chosen, venv: replace(chosen, c=(f"{chosen.target}-cc",)))
    monkeypatch.setattr(build_module, "compiler_cache", lambda *_, **__: CompilerCache())
    environment = build_module.build_environment(found)
    assert environment.venv.folder == Path("build", "zig")
    assert environment.defines["LLAMAPACK_LINKER"] == "linux-x86_64-cc"
    assert environment.settings["_PYTHON_HOST_PLATFORM"] == "manylinux_2_28_x86_64"


def test_wheels_for_this_machine_are_found_among_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "host_target", lambda: "linux-x86_64")
    for name in (OURS, PLUGIN, *OTHERS):
        (tmp_path / name).touch()
    assert [wheel.name for wheel in found_wheels(tmp_path, "cuda")] == [OURS, PLUGIN]


@pytest.mark.parametrize(
    ("names", "there"), [((), "none"), ((OURS, OURS.replace("0.1.0", "0.2.0")), f"{OURS}, llamapack-0.2.0-py3-none-")]
)
def test_none_and_several_wheels_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], there: str
) -> None:
    monkeypatch.setattr(wheels, "host_target", lambda: "linux-x86_64")
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(ToolError) as caught:
        found_wheels(tmp_path, "cuda")
    assert caught.value.what.startswith(
        f"{tmp_path} must hold one wheel llamapack-*.whl for linux-x86_64, and holds: {there}"
    )


@pytest.mark.parametrize("letter", ['"', ";", "\\", "=", "{", "}", ":"])
def test_path_that_build_tools_take_apart_is_refused_at_once(letter: str) -> None:
    odd = Path("/folder") / f"with{letter}it" / "build"
    if len(odd.parts) != 4:
        pytest.skip("that character separates folders here")
    with pytest.raises(ToolError, match="cannot be built in: its path has the character ") as refusal:
        build_module.require_plain_paths(Path("/plain"), odd)
    assert f"the character {letter}." in refusal.value.what
    build_module.require_plain_paths(Path("/plain with spaces/ä(1)'+@~#,!"))
