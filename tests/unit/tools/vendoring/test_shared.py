"""Files of ours that several packages build with stand in each one's tree, as this checkout has them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.support.toy_upstream import FILTER, Toy
from tools.errors import ToolError
from tools.vendoring.check import check
from tools.vendoring.ensure import ensure_source
from tools.vendoring.source.filters import load_filter
from tools.vendoring.source.manifest import read_manifest
from tools.vendoring.sync import sync

SECOND = """
[gpu]
into = "packages/backend-gpu/native/llama.cpp"
shared = "packages/core/native/shared"
take = ["LICENSE", "ggml/"]
"""


@pytest.fixture
def shared(patched: Toy) -> Path:
    """The folder of ours that the second package's section copies; both packages' trees are there."""
    patched.checkout.filter_file.write_text(FILTER + SECOND, encoding="utf-8")
    folder = patched.checkout.root / "packages/core/native/shared"
    folder.mkdir(parents=True)
    (folder / "Shared.cmake").write_bytes(b"one\n")
    (folder / "shared.c").write_bytes(b"int one;\n")
    sync(patched.checkout)
    return folder


@pytest.fixture
def tree(patched: Toy) -> Path:
    """The second package's tree."""
    return patched.checkout.root / "packages/backend-gpu/native/llama.cpp"


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_each_package_gets_its_files_and_only_the_second_ours(patched: Toy, shared: Path, tree: Path) -> None:
    ours = {"llamapack/Shared.cmake", "llamapack/shared.c"}
    assert files(tree) == {"LICENSE", "ggml/src/cpu.c", "ggml/src/ggml.c", "llamapack-manifest.json", *ours}
    assert not files(patched.synced) & ours
    assert (tree / "llamapack/shared.c").read_bytes() == (shared / "shared.c").read_bytes()


def test_manifest_lists_them_and_check_is_content(patched: Toy, shared: Path, tree: Path) -> None:
    manifest = read_manifest(tree)
    assert manifest is not None
    assert set(manifest.files) == files(tree) - {"llamapack-manifest.json"}
    assert check(patched.checkout) == ()


def test_newer_ones_are_copied_by_the_next_build(
    patched: Toy, shared: Path, tree: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (shared / "Shared.cmake").write_bytes(b"two\n")
    (shared / "shared.c").unlink()
    (shared / "new.txt").write_bytes(b"new\n")
    caplog.set_level(logging.INFO)
    ensure_source(patched.checkout.root)
    assert caplog.messages == ["Copying llama.cpp's source into the packages"]
    assert files(tree / "llamapack") == {"Shared.cmake", "new.txt"}
    assert (tree / "llamapack/Shared.cmake").read_bytes() == b"two\n"
    assert check(patched.checkout) == ()
    caplog.clear()
    ensure_source(patched.checkout.root)
    assert caplog.messages == []


def test_check_names_one_that_was_changed_since(patched: Toy, shared: Path, tree: Path) -> None:
    (shared / "shared.c").write_bytes(b"int two;\n")
    problems = check(patched.checkout)
    assert f"{tree / 'llamapack/shared.c'} is not what it is made from. Run: inv vendor.sync" in problems


def test_copy_that_was_edited_is_refused(patched: Toy, shared: Path, tree: Path) -> None:
    (tree / "llamapack/Shared.cmake").write_bytes(b"mine\n")
    with pytest.raises(ToolError, match=r"is not as it was copied: llamapack/Shared\.cmake \(edited\)"):
        ensure_source(patched.checkout.root)
    assert (tree / "llamapack/Shared.cmake").read_bytes() == b"mine\n"


def test_upstreams_file_of_that_name_is_refused(patched: Toy, shared: Path) -> None:
    patched.commit("Add a file", {"llamapack/shared.c": "int theirs;\n"})
    text = (FILTER + SECOND).replace('["LICENSE", "ggml/"]', '["LICENSE", "ggml/", "llamapack/"]')
    patched.checkout.filter_file.write_text(text, encoding="utf-8")
    with pytest.raises(
        ToolError, match=r"^llamapack/shared\.c is one of ours from packages/core/native/shared, and upst"
    ):
        sync(patched.checkout)


def test_missing_folder_is_refused(patched: Toy) -> None:
    patched.checkout.filter_file.write_text(FILTER + SECOND, encoding="utf-8")
    with pytest.raises(
        ToolError, match=r"(?s)shared does not exist, and \[gpu\] .*Run: git checkout -- packages/core/"
    ):
        sync(patched.checkout)


@pytest.mark.parametrize(
    ("value", "said", "rule"),
    [
        ('"/elsewhere"', "'/elsewhere'", "a folder below the checkout"),
        ('"../core"', "'../core'", "a folder below the checkout"),
        ("3", "3, a number", "a string"),
        ('""', "empty", "a string with something in it"),
    ],
)
def test_folder_outside_the_checkout_is_refused(tmp_path: Path, value: str, said: str, rule: str) -> None:
    file = tmp_path / "sync.toml"
    file.write_text(SECOND.replace('"packages/core/native/shared"', value), encoding="utf-8")
    with pytest.raises(ToolError) as refused:
        load_filter(file)
    assert refused.value.what == f"sync.toml: gpu.shared is {said}."
    assert refused.value.fix == f"It must be {rule}."
