"""What is generated follows the pin: after a bump, stale bindings are named until they are made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.made_headers import TREE
from tests.support.toy_upstream import FILTER, Toy, commit_files
from tools.bindgen import generate
from tools.bindgen.digest import headers_digest
from tools.bindgen.freshness import require_current_bindings, stale_bindings
from tools.errors import ToolError
from tools.vendoring.apply import apply_patches
from tools.vendoring.bump import bump
from tools.vendoring.check import check
from tools.vendoring.messages import status, synced
from tools.vendoring.status import read_status
from tools.vendoring.sync import sync

HEADER = "include/llama.h"
MORE = TREE[HEADER].replace("int n;", "int n; float scale;") + "LLAMA_API void llama_more(struct llama_params p);\n"
CHANGES = {HEADER: MORE, "src/llama.cpp": TREE["src/llama.cpp"] + "void llama_more(struct llama_params p) {\n}\n"}


def write_bindings(toy: Toy) -> dict[str, str]:
    """Do what `nox -t gen` does, and return what it wrote by the names of the files."""
    made = {path.name: text for path, text in generate(toy.synced).items()}
    toy.checkout.bindings.parent.mkdir(parents=True, exist_ok=True)
    toy.checkout.bindings.write_text(made["_generated.py"], encoding="utf-8")
    return made


@pytest.fixture
def bound(toy: Toy) -> Toy:
    """Give a checkout whose bindings are those of the pinned headers."""
    toy.checkout.filter_file.write_text(FILTER.replace('"src/"', '"src/", "include/", "tools/"'), encoding="utf-8")
    toy.pin(commit_files(toy.upstream, TREE, "Headers\n"))
    apply_patches(toy.checkout)
    sync(toy.checkout)
    write_bindings(toy)
    assert (read_status(toy.checkout).next, check(toy.checkout)) == ((), ())
    return toy


def test_bump_changes_the_bindings_and_names_them_until_they_are_made_again(bound: Toy) -> None:
    before = {path.name: text for path, text in generate(bound.synced).items()}
    bump(bound.checkout, commit_files(bound.upstream, CHANGES, "Newer\n"))
    report = sync(bound.checkout)
    stale = f"{bound.checkout.bindings} was made from other headers than those in {bound.synced}"
    assert list(synced(report))[-1] == f"{stale}. Next: nox -t gen"
    found = read_status(bound.checkout)
    assert found.next == ("nox -t gen",)
    assert f"bindings: {stale}" in status(found)
    assert check(bound.checkout) == (f"{stale}. Run: nox -t gen",)
    with pytest.raises(ToolError, match="The bindings are stale") as refusal:
        require_current_bindings(bound.checkout)
    assert refusal.value.fix == "Run: nox -t gen"
    after = write_bindings(bound)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"_generated.py", "_generated.pyi", "abi_table.cpp", "llamapack.txt"}
    assert "('scale', c_float)" in after["_generated.py"]
    assert "llama_more\n" in after["llamapack.txt"]
    assert (read_status(bound.checkout).next, check(bound.checkout)) == ((), ())
    require_current_bindings(bound.checkout)


@pytest.mark.parametrize(
    ("name", "text", "counts"),
    [
        (HEADER, TREE[HEADER] + "/* said\n   differently */ // twice\n", False),
        (HEADER, TREE[HEADER].replace("int n;", "int\n    n;"), False),
        (HEADER, TREE[HEADER].replace("; };", ";\n\n};"), False),
        (HEADER, TREE[HEADER].replace("int n;", "float n;"), True),
        ("ggml/src/ggml-impl.h", "GGML_API void ggml_inner(int changed);\nstruct inner { int n; };\n", False),
        ("ggml/src/ggml-impl.h", "GGML_API void ggml_outer(void);\n", True),
        ("ggml/include/ggml-cuda.h", "", True),
        ("src/llama.cpp", "int inner;\n", False),
    ],
)
def test_only_what_the_headers_say_makes_bindings_stale(bound: Toy, name: str, text: str, counts: bool) -> None:
    bound.write(name, text)
    sync(bound.checkout)
    assert bool(stale_bindings(bound.checkout)) is counts


def test_bindings_that_do_not_say_what_they_were_made_from_are_stale(bound: Toy) -> None:
    text = bound.checkout.bindings.read_text(encoding="utf-8")
    bound.checkout.bindings.write_text(text.replace(f"# Headers: {headers_digest(bound.synced)}\n", ""))
    assert read_status(bound.checkout).next == ("nox -t gen",)


def test_missing_header_makes_them_stale_and_no_error(bound: Toy) -> None:
    (bound.checkout.tracking / HEADER).unlink()
    assert sync(bound.checkout).bindings


def test_there_is_nothing_to_compare_before_the_first_sync(toy: Toy, tmp_path: Path) -> None:
    toy.checkout.bindings.parent.mkdir(parents=True)
    toy.checkout.bindings.write_text("", encoding="utf-8")
    assert stale_bindings(toy.checkout) == ""
