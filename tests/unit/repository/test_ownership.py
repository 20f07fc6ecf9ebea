"""The page on ownership names every function of the interface that hands out memory, and every one that frees."""

from __future__ import annotations

import re

import pytest

from tools.paths import CORE, EXPORTING, ROOT, export_list

INTERFACE = (CORE / "src" / "llamapack" / "_native" / "_generated.pyi").read_text(encoding="utf-8")
EXPORTS = {
    name
    for library in EXPORTING
    for name in re.findall(r"(?m)^[A-Za-z_]\w+", export_list(library).read_text(encoding="utf-8"))
}
PAGE = (ROOT / "docs" / "reference" / "ownership.md").read_text(encoding="utf-8")
FUNCTION = re.compile(r"(?ms)^    def ([a-z]\w+)\(self(.*?)\) -> (.*?): \.\.\.")
# What a function returns by which memory changes hands: pointers, and structures with some. Text has a rule of its own.
HANDED = re.compile(r"\w+_pp?|int \| None|llama_batch|_ggml_backend_graph_copy|mtmd_helper_bitmap_wrapper|ggml_tallocr")
OUTPUT = re.compile(r"To\[\w+_p\]")
LIBRARIES = {"ggml": "ggml", "gguf": "ggml", "llama": "llama", "llamapack": "llamapack", "mtmd": "llama"}


def hands_out(interface: str) -> set[str]:
    """Return the functions that return memory, or write a pointer to it where the caller says."""
    return {
        name
        for name, parameters, returned in FUNCTION.findall(interface)
        if HANDED.fullmatch(returned) or OUTPUT.search(parameters)
    }


def frees(interface: str) -> set[str]:
    return {name for name, _, _ in FUNCTION.findall(interface) if name.endswith("_free")}


def named(page: str) -> list[str]:
    return [name for name in re.findall(r"`(\w+)`", page) if name.partition("_")[0] in LIBRARIES]


def rows(page: str, section: str) -> list[tuple[list[str], str]]:
    """Return the functions of each row of a section's table, and the last column."""
    body = page.split(f"\n## {section}")[1].split("\n## ")[0]
    lines = [line.strip("|").split("|") for line in body.splitlines() if line.startswith("| ")][2:]
    return [(named(line[1]), line[2]) for line in lines]


def test_every_function_that_hands_out_memory_is_on_the_page() -> None:
    assert sorted(hands_out(INTERFACE) - set(named(PAGE))) == []
    assert sorted(frees(INTERFACE) - set(named(PAGE))) == []


def test_the_page_names_no_function_that_is_not_there() -> None:
    interface = {name for name, _, _ in FUNCTION.findall(INTERFACE)}
    assert sorted(set(named(PAGE)) - interface) == []
    assert interface <= EXPORTS


def test_no_function_is_in_two_rows() -> None:
    sections = ("Owned by the caller", "Borrowed")
    listed = [name for section in sections for functions, _ in rows(PAGE, section) for name in functions]
    repeated = sorted({name for name in listed if listed.count(name) > 1})
    # These hand out two things: text for a failure, and what was asked for.
    assert all("To[char_p]" in parameters for name, parameters, _ in FUNCTION.findall(INTERFACE) if name in repeated)


def test_what_is_handed_over_goes_back_to_the_library_that_it_came_from() -> None:
    handed = rows(PAGE, "Owned by the caller")
    assert len(handed) > 20
    for functions, freed_by in handed:
        (free, *_) = named(freed_by) or [""]
        if free:
            assert free in frees(INTERFACE)
            libraries = {LIBRARIES[name.partition("_")[0]] for name in functions}
            # libllamapack holds llama.cpp, mtmd and the functions of ours: one library, and one allocator
            assert (
                len({name.replace("llamapack", "llama") for name in libraries | {LIBRARIES[free.split("_")[0]]}}) == 1
            )


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("    def llama_thing_new(self, n: int, /) -> llama_thing_p: ...", {"llama_thing_new"}),
        ("    def ggml_thing_data(self, /) -> int | None: ...", {"ggml_thing_data"}),
        ("    def llamapack_thing(self, out: To[llamapack_thing_p], /) -> int: ...", {"llamapack_thing"}),
        ("    def llama_thing_name(self, /) -> bytes | None: ...", set()),
        ("    def llama_thing_count(self, of: llama_thing_p | None, /) -> int: ...", set()),
    ],
)
def test_a_new_function_is_noticed(line: str, missing: set[str]) -> None:
    assert hands_out(f"{INTERFACE}\n{line}\n") - set(named(PAGE)) == missing
