"""Plug-in packages are made alike: the same few files, one call of the shared CMake function, the core's version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import tomllib
from llamapack.server.extra import PACKAGES as PACKAGES_OF_THE_SERVER

from tests.support.repository import files
from tools.building.wheels import KITS
from tools.matrix import load_matrix
from tools.paths import CORE, HERE, ROOT, package_folder
from tools.release.versions import base_of, inconsistent, plug_in_pin
from tools.vendoring.source.filters import load_filter

PACKAGES = sorted((ROOT / "packages").glob("backend-*"))
SECTIONS = {section.name: section for section in load_filter(ROOT / "vendor" / "sync.toml")}


def project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def backend(folder: Path) -> str:
    return folder.name.removeprefix("backend-")


def normal(folder: Path, name: str) -> str:
    """Return a file's text with the backend's name taken out, and what may differ between packages."""
    text = (folder / name).read_text(encoding="utf-8").replace(backend(folder), "NAME")
    text = re.sub(r"^(description|version) = .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"(?s)\n\[tool\.cibuildwheel\..*", "", text)  # what one system's wheels are finished with
    text = re.sub(r"(?s)\n(dependencies|keywords|classifiers) = \[.*?\](?-s:[ ]+#.*)?", "", text)
    text = re.sub(r"(?s)llamapack_backend\(NAME.*?\)", "llamapack_backend(NAME)", text)
    return re.sub(r'(?s)\A""".*?"""', "", text)


def test_every_package_is_a_backend_of_the_matrix_and_is_built() -> None:
    assert {backend(folder) for folder in PACKAGES} == set(KITS) - {"cpu"}
    assert {backend(folder) for folder in PACKAGES} == set(SECTIONS) - {"core"}
    wheels = {name: load_matrix().backend(name).wheel for name in KITS if name != "cpu"}
    assert wheels == {backend(folder): project(folder)["project"]["name"] for folder in PACKAGES}


@pytest.mark.parametrize("folder", PACKAGES, ids=backend)
def test_package_has_the_same_few_files(folder: Path) -> None:
    tracked = {path.relative_to(folder).as_posix() for path in files() if path.is_relative_to(folder)}
    assert tracked == {
        "LICENSE",
        "README.md",
        "native/CMakeLists.txt",
        "pyproject.toml",
        f"src/llamapack_{backend(folder)}/__init__.py",
    }
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("folder", PACKAGES, ids=backend)
def test_package_is_built_by_the_shared_function(folder: Path) -> None:
    text = (folder / "native" / "CMakeLists.txt").read_text(encoding="utf-8")
    calls = re.findall(r"(?m)^(\w+)\(", text)
    assert calls == ["cmake_minimum_required", "project", "if", "endif", "include", "llamapack_backend"]
    assert f"\nllamapack_backend({backend(folder)}" in text
    section = SECTIONS[backend(folder)]
    assert (section.into, section.shared) == (
        f"packages/{folder.name}/native/llama.cpp",
        "packages/core/native/shared",
    )


@pytest.mark.parametrize("name", ["native/CMakeLists.txt", "pyproject.toml", "src/llamapack_{}/__init__.py"])
def test_packages_differ_in_their_names_only(name: str) -> None:
    texts = {backend(folder): normal(folder, name.format(backend(folder))) for folder in PACKAGES}
    assert len(set(texts.values())) == 1, f"{name} differs beyond the backend's name: {', '.join(texts)}"


@pytest.mark.parametrize("folder", PACKAGES, ids=backend)
def test_versions_are_the_cores(folder: Path) -> None:
    core, plugin = project(CORE)["project"], project(folder)["project"]
    assert base_of(plugin["version"]) == core["version"]
    assert plugin["dependencies"][0] == f"llamapack=={core['version']}"
    assert plugin["requires-python"] == core["requires-python"]


def test_versions_and_pins_belong_together() -> None:
    assert list(inconsistent(HERE)) == [], "inv release.prepare sets them"


@pytest.mark.parametrize("folder", PACKAGES, ids=backend)
def test_core_has_an_extra_for_it(folder: Path) -> None:
    core = project(CORE)["project"]
    assert core["optional-dependencies"][backend(folder)] == [
        f"llamapack-{backend(folder)}{plug_in_pin(core['version'])}"
    ]


def test_the_only_other_extras_of_the_core_are_of_the_hub_and_of_commands() -> None:
    extras = project(CORE)["project"]["optional-dependencies"]
    assert set(extras) == {backend(folder) for folder in PACKAGES} | {"chat", "hub", "serve"}
    assert extras["hub"] == ["huggingface_hub>=1.0"]
    needed = {requirement.partition(">")[0] for requirement in extras["serve"]}
    assert needed | {"tomli"} == {*PACKAGES_OF_THE_SERVER, "tomli"}  # which Python has since 3.11


@pytest.mark.parametrize("folder", PACKAGES, ids=backend)
def test_entry_point_is_the_description(folder: Path) -> None:
    name = backend(folder)
    assert project(folder)["project"]["entry-points"] == {"llamapack.backends": {name: f"llamapack_{name}:describe"}}
    assert package_folder(name) == folder


def test_every_library_has_a_list_of_exports() -> None:
    """Without one it would show all it has, also what it has of the compiler's runtime, which others must not find."""
    native = CORE / "native"
    texts = [
        path.read_text(encoding="utf-8") for part in ("cmake", "shared") for path in (native / part).glob("*.cmake")
    ]
    calls = [call for text in texts for call in re.findall(r"(?m)^ *llamapack_library\(([^)]+)\)", text)]
    assert len(calls) > 4
    assert [call for call in calls if " EXPORTS " not in call] == []
