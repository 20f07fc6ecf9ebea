"""What pip and uv choose in front of an index with all wheels of the matrix, and with traps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.release.hollow import dependencies, hollow_sdist, hollow_wheel, project_wheel, release
from tools.matrix import load_matrix
from tools.release.index import serve_index, yank
from tools.release.resolution import Answer, Ask, Machine, clients, expected, faults, machines, requests
from tools.util.venv import Environment

CLIENTS = clients(Environment(folder=Path(sys.prefix)))
LINUX = Machine(python="3.12", target="linux-x86_64")
PLATFORM = "manylinux_2_28_x86_64"
WRITTEN = [("llamapack",), ("llamapack[serve]",), ("llamapack[cuda]",), ("llamapack-vulkan", "llamapack")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dependencies(tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture
def simple(folder: Path) -> Iterator[str]:
    with serve_index(folder) as url:
        yield f"{url}/simple/"


@pytest.fixture(params=CLIENTS)
def ask(request: pytest.FixtureRequest) -> Ask:
    return CLIENTS[request.param]


def ours(ask: Ask, simple: str, *wanted: str, machine: Machine = LINUX) -> list[str]:
    """Return projects and versions of ours that would be installed."""
    (answer,) = ask([wanted], machine, simple)
    assert answer.error == ""
    return sorted("-".join(name.split("-")[:2]) for name in answer.ours)


def error(ask: Ask, simple: str, *wanted: str, machine: Machine = LINUX) -> str:
    (answer,) = ask([wanted], machine, simple)
    assert answer.files == frozenset()
    return " ".join(answer.error.split())


def test_every_python_and_target_is_asked() -> None:
    pythons = {"3.10", "3.11", "3.12", "3.13", "3.14", "3.13t", "3.14t"}
    assert {(each.python, each.target) for each in machines()} == {
        (python, target) for python in pythons for target in load_matrix().targets
    }


def test_every_extra_and_plugin_is_asked_in_both_orders() -> None:
    words = [" ".join(request) for request in requests()]
    assert len(words) == len(set(words)) == 20
    assert {"llamapack", "llamapack[hub]", "llamapack[rocm]", "llamapack llamapack-cuda"} <= set(words)
    assert "llamapack-cuda llamapack" in words


def test_a_mac_with_apple_silicon_gets_the_metal_plugin_too() -> None:
    mac, intel = (Machine(python="3.13", target=name) for name in ("macos-arm64", "macos-x86_64"))
    assert sorted(expected(["llamapack"], mac, "0.1.0") or []) == [
        "llamapack-0.1.0-py3-none-macosx_14_0_arm64.whl",
        "llamapack_metal-0.1.0-py3-none-macosx_14_0_arm64.whl",
    ]
    assert list(expected(["llamapack"], intel, "0.1.0") or []) == ["llamapack-0.1.0-py3-none-macosx_14_0_x86_64.whl"]
    assert expected(["llamapack[metal]"], intel, "0.1.0") is None


@pytest.mark.parametrize(
    ("python", "target"),
    [("3.10", "macos-arm64"), ("3.14t", "windows-x86_64"), ("3.13t", "linux-aarch64"), ("3.14", "windows-arm64")],
)
def test_exactly_the_files_of_the_matrix_are_chosen(
    ask: Ask, folder: Path, simple: str, python: str, target: str
) -> None:
    release(folder, "0.1.0")
    chosen = [Machine(python=python, target=target)]
    assert list(faults(ask, simple, "0.1.0", chosen=chosen, written=WRITTEN)) == []


def test_a_missing_wheel_is_a_fault(ask: Ask, folder: Path, simple: str) -> None:
    release(folder, "0.1.0", targets=["linux-aarch64"])
    (fault,) = faults(ask, simple, "0.1.0", chosen=[LINUX], written=[["llamapack"]])
    assert fault.startswith("llamapack, Python 3.12 on linux-x86_64: it fails: ")


def test_a_wheel_that_should_not_be_there_is_a_fault(ask: Ask, folder: Path, simple: str) -> None:
    release(folder, "0.1.0")
    mac = Machine(python="3.12", target="macos-x86_64")
    project_wheel(folder, "cuda", "0.1.0", "macosx_14_0_x86_64")
    (fault,) = faults(ask, simple, "0.1.0", chosen=[mac], written=[["llamapack[cuda]"]])
    assert fault.startswith("llamapack[cuda], Python 3.12 on macos-x86_64: there is no wheel, but it gets llamapack-0")


def test_an_error_names_the_package_without_a_wheel(ask: Ask, folder: Path, simple: str) -> None:
    release(folder, "0.1.0")
    said = error(ask, simple, "llamapack[rocm]", machine=Machine(python="3.12", target="macos-arm64"))
    assert "llamapack-rocm" in said


def test_an_older_python_is_told_which_one_it_takes(ask: Ask, folder: Path, simple: str) -> None:
    release(folder, "0.1.0")
    assert "3.10" in error(ask, simple, "llamapack", machine=Machine(python="3.9", target="linux-x86_64"))


def test_a_mended_plugin_is_chosen_with_its_core(ask: Ask, folder: Path, simple: str) -> None:
    release(folder, "0.1.0", targets=["linux-x86_64"])
    project_wheel(folder, "vulkan", "0.1.0.post1", PLATFORM)
    for wanted in (["llamapack[vulkan]"], ["llamapack", "llamapack-vulkan"], ["llamapack-vulkan"]):
        assert ours(ask, simple, *wanted) == ["llamapack-0.1.0", "llamapack_vulkan-0.1.0.post1"]
    assert ours(ask, simple, "llamapack[cuda]") == ["llamapack-0.1.0", "llamapack_cuda-0.1.0"]


@pytest.mark.parametrize("other", ["0.1.1", "0.1.1rc1", "0.2.0", "0.1.10"])
def test_a_plugin_of_another_release_is_refused(ask: Ask, folder: Path, simple: str, other: str) -> None:
    release(folder, "0.1.0", targets=["linux-x86_64"])
    project_wheel(folder, "vulkan", other, PLATFORM)  # its core was not published
    assert ours(ask, simple, "llamapack[vulkan]") == ["llamapack-0.1.0", "llamapack_vulkan-0.1.0"]
    assert "llamapack" in error(ask, simple, "llamapack==0.1.0", f"llamapack-vulkan=={other}")


@pytest.mark.parametrize(("trap", "chosen"), [("==0.1.*", "0.1.1"), ("~=0.1.0", "0.1.1"), ("==0.1.0", "0.1.0")])
def test_other_pins_would_take_another_build_or_no_mended_one(
    ask: Ask, folder: Path, simple: str, trap: str, chosen: str
) -> None:
    hollow_wheel(folder, "core", "0.1.0", extras={"gpu": [f"plugin{trap}"]})
    for version in ("0.1.0", "0.1.0.post1", "0.1.1"):
        hollow_wheel(folder, "plugin", version)
    (answer,) = ask([["core[gpu]"]], LINUX, simple)
    assert answer.files == {"core-0.1.0-py3-none-any.whl", f"plugin-{chosen}-py3-none-any.whl"}


def test_an_upgrade_takes_core_and_plugin_together(ask: Ask, folder: Path, simple: str) -> None:
    for version in ("0.1.0", "0.2.0"):
        release(folder, version, targets=["linux-x86_64"])
    assert ours(ask, simple, "llamapack[vulkan]") == ["llamapack-0.2.0", "llamapack_vulkan-0.2.0"]
    assert ours(ask, simple, "llamapack[vulkan]==0.1.0") == ["llamapack-0.1.0", "llamapack_vulkan-0.1.0"]


def test_prereleases_are_only_for_those_who_ask(ask: Ask, folder: Path, simple: str) -> None:
    for version in ("0.1.0", "0.2.0rc1"):
        release(folder, version, targets=["linux-x86_64"])
    assert ours(ask, simple, "llamapack[vulkan]") == ["llamapack-0.1.0", "llamapack_vulkan-0.1.0"]
    assert ours(ask, simple, "llamapack==0.2.0rc1") == ["llamapack-0.2.0rc1"]


def test_a_yanked_release_is_left_out(ask: Ask, folder: Path, simple: str) -> None:
    for version in ("0.1.0", "0.2.0"):
        release(folder, version, targets=["linux-x86_64"])
    for path in folder.glob("llamapack-0.2.0-*.whl"):
        yank(path, "crashes on AVX-512")  # the core's alone suffices
    assert ours(ask, simple, "llamapack[vulkan]") == ["llamapack-0.1.0", "llamapack_vulkan-0.1.0"]
    assert ours(ask, simple, "llamapack==0.2.0") == ["llamapack-0.2.0"]


def test_an_sdist_would_be_compiled_where_there_is_no_wheel(folder: Path, simple: str) -> None:
    """So that only-binary is what is asked with: this shows that the difference is seen."""
    release(folder, "0.1.0", targets=["linux-aarch64"])
    hollow_sdist(folder, "llamapack", "0.1.0")
    for ask in CLIENTS.values():
        assert ask([["llamapack"]], LINUX, simple)[0].error
    assert Answer(files=frozenset({"llamapack-0.1.0.tar.gz"})).compiled == {"llamapack-0.1.0.tar.gz"}


def test_a_python_without_a_gil_takes_wheels_of_its_own(ask: Ask, folder: Path, simple: str) -> None:
    for abi in ("cp313", "cp313t"):
        hollow_wheel(folder, "native", "1.0", tag=f"cp313-{abi}-{PLATFORM}")
    for python, abi in (("3.13", "cp313"), ("3.13t", "cp313t")):
        (answer,) = ask([["native"]], Machine(python=python, target="linux-x86_64"), simple)
        assert answer.files == {f"native-1.0-cp313-{abi}-{PLATFORM}.whl"}
