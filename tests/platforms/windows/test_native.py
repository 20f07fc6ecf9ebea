"""The libraries for Windows do under Wine what those of this machine do: choose a level, generate, render, quantize."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from llamapack.backends.host.binaries.missing import missing_libraries

from tests.support.programs.making import Libraries
from tests.support.wine import Run

PROMPT, TEXT, COUNT = "Count: 1, 2, 3,", " 4, 5, 6,", "9"
LEVELS = [level for level in os.environ.get("LLAMAPACK_TEST_LEVELS", "").split(",") if level]
REQUEST = json.dumps({"messages": [{"role": "user", "content": "Grüße, 世界"}]})


def test_scores_and_choice_are_those_of_this_machine(windows: Run, here: Run, libraries: Libraries) -> None:
    ours, theirs = here("levels"), windows("levels")
    assert {level: theirs[level] for level in libraries.levels} == {level: ours[level] for level in libraries.levels}
    assert theirs["best"] == max(libraries.levels, key=lambda level: int(ours[level]))


@pytest.mark.parametrize("level", LEVELS)
def test_level_generates_the_tokens_of_the_same_level_here(
    windows: Run, here: Run, libraries: Libraries, model: Path, level: str
) -> None:
    words = ("generate", level, model, COUNT, PROMPT)
    found, expected = windows(*words), here(*words)
    assert (found["abi"], found["build"], found["level"]) == (libraries.abi_id, expected["build"], level)
    assert (found["tokens"], found["text"]) == (expected["tokens"], expected["text"])
    assert found["text"] == TEXT


def test_model_with_a_name_that_is_not_ascii_is_loaded(windows: Run, model: Path, tmp_path: Path) -> None:
    place = tmp_path / "größe ☃ 模型"
    place.mkdir()
    (place / "modèle.gguf").symlink_to(model)
    assert windows("generate", "best", place / "modèle.gguf", COUNT, PROMPT)["text"] == TEXT


def test_library_that_is_missing_is_named(windows: Run, libraries: Libraries, tmp_path: Path) -> None:
    copy = tmp_path / "lib"
    base, whole = (f"{stem}-{libraries.abi_id}.dll" for stem in ("ggml-base", "llamapack"))
    shutil.copytree(libraries.folder, copy, ignore=shutil.ignore_patterns(base))
    refused = windows("levels", folder=copy, status=1)["failed"]
    assert refused.endswith(f"/{base}: error 126")  # which file it is, Windows says of no library but the first
    found = missing_libraries(copy / whole, provided=SYSTEM)
    assert [(missing.name, missing.needed_by.name) for missing in found] == [(base, whole)]


SYSTEM = [f"{stem}.dll" for stem in ("kernel32", "advapi32", "ntdll", "shell32", "user32", "ws2_32", "bcrypt", "ole32")]


def rendered(response: str) -> dict[str, Any]:
    """Return a response with its parser as a tree: compilers number its parts in the order in which they make them."""
    found: dict[str, Any] = json.loads(response)
    parser = json.loads(found["parser"])
    return {**found, "parser": (tree(parser["root"], parser["parsers"]), parser["rules"])}


def tree(index: int, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a part of a parser with those that it names by their numbers in their place."""
    part = dict(parts[index])
    if "child" in part:
        part["child"] = tree(part["child"], parts)
    if "children" in part:
        part["children"] = [tree(child, parts) for child in part["children"]]
    return part


def test_chat_request_is_rendered_and_a_bad_one_refused_as_here(windows: Run, here: Run, model: Path) -> None:
    found, expected = windows("chat", model, REQUEST), here("chat", model, REQUEST)
    assert rendered(found["response"]) == rendered(expected["response"])
    assert "Grüße, 世界" in json.loads(found["response"])["prompt"]
    assert found["error"] == expected["error"] != ""


def test_quantized_file_has_the_bytes_of_the_one_made_here(
    windows: Run, here: Run, model: Path, tmp_path: Path
) -> None:
    there, own = tmp_path / "größe ☃.gguf", tmp_path / "own.gguf"
    windows("quantize", model, there)
    here("quantize", model, own)
    assert there.read_bytes() == own.read_bytes()
