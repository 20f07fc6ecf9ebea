"""What a plug-in may say of itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llamapack.backends.contract import BackendPlugin, Target, find_problems, read_plugin
from llamapack.errors import InstallationError

FACTS: dict[str, Any] = {
    "name": "vulkan",
    "package": "llamapack-vulkan",
    "version": "0.1.0.dev0",
    "library": "libggml-vulkan.so",
    "abi_id": "8ee38a14",
    "llama_commit": "0c1e5709",
    "targets": [{"kind": "real", "name": "9.0"}],
    "driver_floor": "580.65",
    "toolkit": "13.0",
    "preload": ["libfirst.so", "../other/libsecond.so"],
}


def write(folder: Path, content: object) -> Path:
    (folder / "backend.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_a_description_is_read(tmp_path: Path) -> None:
    folder = tmp_path.resolve()
    assert read_plugin(write(tmp_path, FACTS)) == BackendPlugin(
        name="vulkan",
        package="llamapack-vulkan",
        version="0.1.0.dev0",
        library=folder / "libggml-vulkan.so",
        abi_id="8ee38a14",
        llama_commit="0c1e5709",
        preload=(folder / "libfirst.so", folder / "../other/libsecond.so"),
        targets=(Target(kind="real", name="9.0"),),
        driver_floor="580.65",
        toolkit="13.0",
    )


def test_what_may_be_left_out_has_a_meaning(tmp_path: Path) -> None:
    few = {key: FACTS[key] for key in FACTS if key not in ("targets", "driver_floor", "toolkit", "preload")}
    plugin = read_plugin(write(tmp_path, few))
    assert (plugin.preload, plugin.targets, plugin.driver_floor, plugin.toolkit) == ((), (), None, None)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": "Vulkan!"}, "name is 'Vulkan!', but must be lower-case letters"),
        ({"name": "cpu"}, "name is 'cpu', but must be lower-case letters, digits and underscores, and none of all"),
        ({"package": "x; rm"}, "package is 'x; rm', but must be the name of a package"),
        ({"version": 1}, "version is 1, but must be"),
        ({"abi_id": "xyz"}, "abi_id is 'xyz', but must be hexadecimal digits"),
        ({"driver_floor": "new"}, "driver_floor is 'new', but must be None or numbers"),
        ({"toolkit": "CUDA"}, "toolkit is 'CUDA', but must be None or numbers"),
        ({"targets": [{"kind": "cpu", "name": "x"}]}, "targets is "),
        ({"library": None}, "TypeError: "),
    ],
)
def test_another_description_is_refused(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InstallationError) as caught:
        read_plugin(write(tmp_path, {**FACTS, **change}))
    assert (
        caught.value.what == f"The backend description {tmp_path.resolve() / 'backend.json'} does not fit the contract."
    )
    assert caught.value.why.startswith(complaint)
    assert "python -m pip install --force-reinstall" in caught.value.fix


def test_a_field_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match="KeyError: 'abi_id'"):
        read_plugin(write(tmp_path, {key: FACTS[key] for key in FACTS if key != "abi_id"}))


@pytest.mark.parametrize("content", [None, "{", "[]", "3"])
def test_a_file_that_is_no_description_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "backend.json").write_text(content, encoding="utf-8")
    with pytest.raises(InstallationError, match=r"backend\.json (cannot be read|does not fit the contract)\."):
        read_plugin(tmp_path)


def test_a_record_made_by_hand_is_checked_too(tmp_path: Path) -> None:
    plugin = read_plugin(write(tmp_path, FACTS))
    assert find_problems(plugin) == []
    assert find_problems(replace(plugin, library=Path("relative.so"))) == [
        f"library is {Path('relative.so')!r}, but must be an absolute Path"
    ]
