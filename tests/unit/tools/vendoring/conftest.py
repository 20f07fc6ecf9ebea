"""Fixtures: a toy upstream with a checkout, and one where two patches are applied. Tests that use them are slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.toy_upstream import LINES, Toy, copy_toy, edited, make_toy
from tools.vendoring.apply import apply_patches
from tools.vendoring.create_patches import create_patches


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that call git in a toy, from ten to some thousand times."""
    for item in items:
        if {"toy_template", "patched_template"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep backups and archives of a test in its own folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def toy_template(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Make the toy that tests get copies of."""
    return make_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def patched_template(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """Make the patched toy that tests get copies of."""
    toy = make_toy(tmp_path_factory.mktemp("patched"))
    apply_patches(toy.checkout)
    toy.commit("Change the first lines", {"src/llama.cpp": edited(3, "ours 3")})
    toy.commit("Score it", {"ggml/src/cpu.c": edited(20, "ours 20")})
    toy.commit("Add a file", {"src/new.cpp": LINES})
    create_patches(toy.checkout)
    return toy


@pytest.fixture
def toy(toy_template: Toy, tmp_path: Path) -> Toy:
    """Give a checkout with no patches and no tracking repository yet."""
    return copy_toy(toy_template, tmp_path)


@pytest.fixture
def patched(patched_template: Toy, tmp_path: Path) -> Toy:
    """Give a checkout with three patches, applied."""
    return copy_toy(patched_template, tmp_path)
