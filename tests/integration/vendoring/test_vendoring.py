"""Vendoring on the real source: a checkout of its own, made from the tracking repository."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tools.git.patch import read_series
from tools.paths import PIN, ROOT, TRACKING, Checkout
from tools.vendoring.apply import apply_patches
from tools.vendoring.check import check
from tools.vendoring.create_patches import create_patches
from tools.vendoring.ensure import ensure_source
from tools.vendoring.source.filters import load_filter
from tools.vendoring.source.pin import load_pin, render_pin
from tools.vendoring.status import read_status
from tools.vendoring.sync import sync


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with this project's pin, filter and patches; llama.cpp comes from this project's repository."""
    ensure_source()
    made = Checkout(root=tmp_path_factory.mktemp("checkout"))
    (made.root / "vendor").mkdir()
    shutil.copytree(Checkout().patches, made.patches)
    shutil.copy(ROOT / "vendor" / "sync.toml", made.filter_file)
    for section in load_filter(made.filter_file):
        if section.shared:
            shutil.copytree(ROOT / section.shared, made.root / section.shared, dirs_exist_ok=True)
    made.pin_file.write_text(render_pin(replace(load_pin(PIN), repository=str(TRACKING))), encoding="utf-8")
    return made


def test_real_source_is_made_synced_and_checked(checkout: Checkout) -> None:
    apply_patches(checkout)
    sync(checkout)
    before = {path: path.stat().st_mtime_ns for path in _synced(checkout.root)}
    sync(checkout)
    assert {path: path.stat().st_mtime_ns for path in _synced(checkout.root)} == before
    assert check(checkout) == ()
    assert read_status(checkout).next == ()
    assert create_patches(checkout).is_same


def test_every_file_of_the_package_is_what_a_fresh_checkout_gives(checkout: Checkout) -> None:
    here = {path.relative_to(ROOT): path.read_bytes() for path in _synced(ROOT)}
    there = {path.relative_to(checkout.root): path.read_bytes() for path in _synced(checkout.root)}
    assert here == there


def _synced(root: Path) -> list[Path]:
    trees = [root / section.into for section in load_filter(root / "vendor" / "sync.toml")]
    found = [path for tree in trees for path in tree.rglob("*")]
    return [path for path in found if path.is_file() and path.name != "llamapack-manifest.json"]


def test_every_patch_says_why_it_is_there_and_has_a_test_of_its_own() -> None:
    tests = {
        "0001-x86-score-only-what-the-operating-system-saves.patch": "integration/patches/test_cpu_scores.py",
        "0002-windows-search-a-backend-s-own-folder-and-say-why-it.patch": (
            "integration/patches/test_windows_loading.py"
        ),
        "0003-load-backends-only-from-where-the-caller-says.patch": "integration/patches/test_backend_paths.py",
        "0004-take-the-path-of-a-backend-as-utf-8.patch": "platforms/windows/test_native.py",
        "0005-write-a-quantized-model-to-a-path-in-utf-8.patch": "platforms/windows/test_native.py",
        "0006-let-a-grammar-pass-only-valid-utf-8.patch": "integration/patches/test_grammar_utf8.py",
        "0007-server-ask-a-waiting-request-soon-whether-to-stop.patch": "integration/patches/test_server_waiting.py",
        "0008-server-keep-nothing-of-the-first-model-for-the-other.patch": "integration/patches/test_server_models.py",
        "0009-server-a-request-without-adapters-forgets-the-cache.patch": "integration/patches/test_server_adapters.py",
        "0010-cpu-sleep-in-barriers-that-last-long.patch": "integration/patches/test_threads.py",
        "0011-cpu-split-attention-independently-of-the-threads.patch": "integration/patches/test_threads.py",
        "0012-cpu-share-the-processors-among-graphs-that-are-compu.patch": "integration/patches/test_threads.py",
        "0013-cpu-leave-out-a-processor-that-another-program-keeps.patch": "integration/patches/test_threads.py",
        "0014-server-keep-a-cache-that-ends-between-two-images.patch": "integration/patches/test_server_media.py",
        "0015-server-refuse-a-prompt-that-ends-with-an-image.patch": "integration/patches/test_server_media.py",
        "0016-x86-multiply-q4-1-by-two-rows-and-columns-at-once.patch": "integration/patches/test_products.py",
        "0017-vulkan-leave-no-destroyed-buffer-in-a-descriptor-set.patch": (
            "integration/patches/test_vulkan_descriptors.py"
        ),
    }
    series = read_series(Checkout().patches)
    assert {patch.name for patch in series} == set(tests)
    assert [patch.missing_headers for patch in series] == [()] * len(series)
    assert all((ROOT / "tests" / name).is_file() for name in tests.values())
