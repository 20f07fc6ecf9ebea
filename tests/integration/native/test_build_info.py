"""What programs print of their llama.cpp, and the ABI id in the names of the libraries, follow the pin."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.toy_upstream import Toy, commit_files, make_toy
from tools.paths import CORE
from tools.util.atomic_files import write_file
from tools.util.venv import ensure_environment
from tools.vendoring.apply import apply_patches
from tools.vendoring.bump import bump
from tools.vendoring.source.pin import load_pin, render_pin
from tools.vendoring.sync import sync

IDENTITY = CORE / "native" / "shared" / "LlamapackIdentity.cmake"
NAMES = ("LLAMA_BUILD_COMMIT", "LLAMA_BUILD_NUMBER", "GGML_BUILD_COMMIT", "LLAMAPACK_ABI_ID")


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "cache"))
    made = make_toy(tmp_path)
    apply_patches(made.checkout)
    sync(made.checkout)
    return made


def identity(toy: Toy) -> dict[str, str]:
    """Return what the build computes from the synced tree, by the names of CMake's variables."""
    script = toy.checkout.root / "say.cmake"
    lines = "".join(f'message(NOTICE "{name}=${{{name}}}")\n' for name in NAMES)
    write_file(script, f'include("{IDENTITY.as_posix()}")\n{lines}'.encode())
    cmake = [str(ensure_environment(["build"]).python), "-m", "cmake"]
    words = [*cmake, f"-DLLAMAPACK_SOURCE={toy.synced.as_posix()}", "-P", str(script)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return dict(line.split("=") for line in done.stderr.splitlines() if "=" in line)


def test_bump_changes_what_the_build_says_of_itself(toy: Toy) -> None:
    before = identity(toy)
    assert {name: before[name] for name in NAMES[:3]} == dict(
        zip(NAMES, (toy.base[:9], "7", toy.base[:9]), strict=False)
    )
    newer = commit_files(toy.upstream, {"ggml/src/ggml.c": "newer\n"}, "Newer\n")
    toy.upstream.run("tag", "b1234")
    bump(toy.checkout, "b1234")
    sync(toy.checkout)
    after = identity(toy)
    assert {name: after[name] for name in NAMES[:3]} == dict(zip(NAMES, (newer[:9], "1234", newer[:9]), strict=False))
    assert after["LLAMAPACK_ABI_ID"] != before["LLAMAPACK_ABI_ID"]


def test_abi_id_stays_where_only_other_files_changed(toy: Toy) -> None:
    before = identity(toy)
    bump(toy.checkout, commit_files(toy.upstream, {"src/llama.cpp": "newer\n"}, "Newer\n"))
    sync(toy.checkout)
    after = identity(toy)
    assert after["LLAMAPACK_ABI_ID"] == before["LLAMAPACK_ABI_ID"]
    assert after["LLAMA_BUILD_COMMIT"] != before["LLAMA_BUILD_COMMIT"]


def test_build_number_alone_is_followed(toy: Toy) -> None:
    write_file(toy.checkout.pin_file, render_pin(replace(load_pin(toy.checkout.pin_file), build_number=8)).encode())
    sync(toy.checkout)
    assert identity(toy)["LLAMA_BUILD_NUMBER"] == "8"
