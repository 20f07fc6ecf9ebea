"""Versions are read and set in every package at once, with pins that let through what fits, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tools.errors import ToolError
from tools.paths import HERE, Checkout
from tools.release import versions


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """The pyproject.toml of every package of this project, as a checkout that may be changed."""
    for path in versions.project_files(HERE):
        copy = tmp_path / path.relative_to(HERE.root)
        copy.parent.mkdir(parents=True)
        shutil.copy(path, copy)
    versions.set_version(Checkout(root=tmp_path), "0.1.0.dev0")
    return Checkout(root=tmp_path)


def pins(checkout: Checkout) -> dict[str, dict[str, str]]:
    return {package.name: dict(package.pins) for package in versions.read_packages(checkout)}


def test_this_project_is_consistent_and_has_one_version() -> None:
    assert list(versions.inconsistent(HERE)) == []
    assert versions.project_version() == versions.read_packages(HERE)[0].version


@pytest.mark.parametrize(
    ("version", "of_plugins"), [("0.2.0", ">=0.2.0,<0.2.1"), ("0.2.0rc1", "==0.2.0rc1"), ("1.0.0.dev3", "==1.0.0.dev3")]
)
def test_all_packages_and_pins_are_set(checkout: Checkout, version: str, of_plugins: str) -> None:
    assert set(versions.set_version(checkout, version)) == set(versions.project_files(checkout))
    assert {package.version for package in versions.read_packages(checkout)} == {version}
    plugins = [f"llamapack-{name}" for name in ("cuda", "metal", "rocm", "vulkan")]
    assert pins(checkout) == {
        "llamapack": dict.fromkeys(plugins, of_plugins),
        **{name: {"llamapack": f"=={version}"} for name in plugins},
    }
    assert list(versions.inconsistent(checkout)) == []
    assert versions.set_version(checkout, version) == ()


def test_nothing_but_versions_and_pins_changes(checkout: Checkout) -> None:
    before = {path: path.read_text(encoding="utf-8") for path in versions.project_files(checkout)}
    versions.set_version(checkout, "0.2.0")
    versions.set_version(checkout, "0.1.0.dev0")
    assert {path: path.read_text(encoding="utf-8") for path in before} == before


@pytest.mark.parametrize(
    ("version", "fits", "does_not"),
    [
        (
            "0.1.0",
            ["0.1.0", "0.1.0.post1", "0.1.0.post12"],
            ["0.1.0.dev0", "0.1.0rc1", "0.1.1", "0.1.1.dev0", "0.1.1rc1", "0.1.10", "0.2.0", "0.0.9"],
        ),
        ("0.1.9", ["0.1.9", "0.1.9.post1"], ["0.1.10", "0.1.10.dev0", "0.1.90"]),
        ("0.2.0rc1", ["0.2.0rc1"], ["0.2.0", "0.2.0rc2", "0.2.0.dev0"]),
    ],
)
def test_pins_let_through_a_post_release_of_a_plugin_only(version: str, fits: list[str], does_not: list[str]) -> None:
    pin = SpecifierSet(versions.plug_in_pin(version), prereleases=True)
    assert [each for each in fits + does_not if pin.contains(Version(each))] == fits


def test_one_plugin_can_be_a_post_release(checkout: Checkout) -> None:
    versions.set_version(checkout, "0.1.0")
    (changed,) = versions.set_plugin_version(checkout, "vulkan", "0.1.0.post1")
    assert changed.parent.name == "backend-vulkan"
    found = {package.name: package.version for package in versions.read_packages(checkout)}
    assert found.pop("llamapack-vulkan") == "0.1.0.post1"
    assert set(found.values()) == {"0.1.0"}
    assert pins(checkout)["llamapack-vulkan"] == {"llamapack": "==0.1.0"}
    assert list(versions.inconsistent(checkout)) == []
    versions.set_version(checkout, "0.1.1")
    assert {package.version for package in versions.read_packages(checkout)} == {"0.1.1"}


@pytest.mark.parametrize(
    ("plugin", "version", "what"),
    [
        ("vulcan", "0.1.0.post1", "'vulcan' is no plug-in"),
        ("vulkan", "0.1.0", "0.1.0 is no post-release of llamapack 0.1.0"),
        ("vulkan", "0.1.1.post1", "0.1.1.post1 is no post-release of llamapack 0.1.0"),
        ("vulkan", "next", "'next' is no version"),
    ],
)
def test_another_version_of_a_plugin_is_refused(checkout: Checkout, plugin: str, version: str, what: str) -> None:
    versions.set_version(checkout, "0.1.0")
    with pytest.raises(ToolError, match=what):
        versions.set_plugin_version(checkout, plugin, version)
    assert {package.version for package in versions.read_packages(checkout)} == {"0.1.0"}


@pytest.mark.parametrize(
    "version", ["", "1", "1.0", "v1.0.0", "1.0.0-rc1", "1.0.0+local", "01.0.0", "1.0.0\n", "1.0.0.post", "1!1.0.0"]
)
def test_what_is_no_version_is_refused(checkout: Checkout, version: str) -> None:
    with pytest.raises(ToolError, match="is no version of this project"):
        versions.set_version(checkout, version)
    assert versions.project_version(checkout) == "0.1.0.dev0"


def test_a_post_release_of_all_is_refused(checkout: Checkout) -> None:
    with pytest.raises(ToolError, match=r"0\.1\.0\.post1 is a post-release, which only a plug-in can be"):
        versions.set_version(checkout, "0.1.0.post1")


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("backend-cuda", 'version = "0.1.0"', 'version = "0.1.1"', "version is 0.1.1, and llamapack's is 0.1.0"),
        ("backend-cuda", "llamapack==0.1.0", "llamapack==0.1.*", "it must require llamapack==0.1.0, and requires"),
        ("backend-rocm", '"llamapack==0.1.0"', "", "it must require llamapack==0.1.0, and requires none of them"),
        ("core", "rocm>=0.1.0,<0.1.1", "rocm==0.1.0", "llamapack-rocm>=0.1.0,<0.1.1"),
        (
            "core",
            "metal>=0.1.0,<0.1.1; sys",
            "metal>=0.1.0,<0.2; sys",
            "llamapack-metal>=0.1.0,<0.2 and >=0.1.0,<0.1.1",
        ),
    ],
)
def test_what_does_not_belong_together_is_said(checkout: Checkout, file: str, old: str, new: str, said: str) -> None:
    versions.set_version(checkout, "0.1.0")
    path = checkout.root / "packages" / file / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    (complaint,) = versions.inconsistent(checkout)
    assert complaint.startswith(f"packages/{file}/pyproject.toml: ")
    assert said in complaint


@pytest.mark.parametrize(
    ("version", "following"), [("0.1.0", "0.1.1.dev0"), ("0.1.9", "0.1.10.dev0"), ("0.2.0rc1", "0.2.0.dev0")]
)
def test_work_goes_on_with_the_next_version(version: str, following: str) -> None:
    assert versions.next_development(version) == following
    assert versions.is_development(following)
    assert not versions.is_development(version)
