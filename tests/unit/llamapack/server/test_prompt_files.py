"""The folder of the prompt cache: what is found, kept, removed and left alone."""

from __future__ import annotations

import itertools
import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest
from llamapack.server.prompt_cache.prefixes import Prefix, prefix_of
from llamapack.server.prompt_cache.store import ModelFiles, Store

KEY = "0123456789abcdef" * 2
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")


def prefix(text: str) -> Prefix:
    found = prefix_of("/completion", json.dumps({"prompt": text}).encode())
    assert found is not None
    return found


A, B = prefix("a" * 4096), prefix("b" * 4096)
A_AND_MORE = prefix("a" * 4096 + "c" * 4096)


def save(files: ModelFiles, name: int, of: Prefix, size: int = 1000) -> str:
    """Do what a runner and the cache do, and return the name of the file."""
    text = f"{name:032x}"
    (files.folder / f"{text}.part").write_bytes(b"s" * size)
    files.add(text, of, tokens=100)
    return text


def names(files: ModelFiles) -> set[str]:
    return {path.name for path in files.folder.iterdir()}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", most_bytes=11_000)


@pytest.fixture
def files(store: Store) -> ModelFiles:
    return store.of_model(KEY)


def test_what_is_saved_is_found_by_another_server_too(store: Store, files: ModelFiles) -> None:
    assert files.best(A) is None
    name = save(files, 1, A)
    for each in (files, store.of_model(KEY)):
        found = each.best(A_AND_MORE)
        assert found is not None
        assert (found[0].name, found[0].tokens, found[0].size, found[1]) == (name, 100, 1000, A.length // 512 * 512)
        assert each.best(B) is None
    assert store.of_model("f" * 32).best(A) is None


def test_a_prompt_takes_the_place_of_its_own_beginning(files: ModelFiles) -> None:
    save(files, 1, A)
    other, longer = save(files, 2, B), save(files, 3, A_AND_MORE)
    assert {entry.name for entry in files.entries()} == {other, longer}
    assert names(files) == {f"{other}.json", f"{other}.state", f"{longer}.json", f"{longer}.state"}


def test_what_was_not_used_longest_goes_first(store: Store, files: ModelFiles) -> None:
    prompts = [prefix(letter * 4096) for letter in "abcd"]
    saved = [save(files, number, each, size=2000) for number, each in enumerate(prompts)]
    for number, name in enumerate(saved):
        os.utime(files.folder / f"{name}.state", (number, number))
    found = files.best(prompts[0])
    assert found is not None
    files.touch(found[0])
    other = store.of_model("f" * 32)
    newest = save(other, 9, A, size=3000)
    assert store.size() <= store.most_bytes
    assert {entry.name for entry in files.entries()} == {saved[0], saved[2], saved[3]}
    assert {entry.name for entry in other.entries()} == {newest}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "é",
        '{"format": 2}',
        '{"format": 1, "length": 1, "tokens": 1, "size": 1000, "chain": "ab"}',
        '{"format": 1, "length": 1, "tokens": 1, "size": 1000, "chain": ["../x"]}',
        '{"format": 1, "length": 0, "tokens": 1, "size": 1000, "chain": []}',
        '{"format": 1, "length": 1, "tokens": 1, "size": 999, "chain": []}',
    ],
)
def test_damaged_descriptions_are_removed_with_a_warning(
    files: ModelFiles, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, good = save(files, 1, A), save(files, 2, B)
    (files.folder / f"{damaged}.json").write_text(text, encoding="utf-8")
    again = ModelFiles(files.folder, Store(files.folder.parent, 10_000))
    assert {entry.name for entry in again.entries()} == {good}
    assert names(files) == {f"{good}.json", f"{good}.state"}
    assert f"damaged, and removed: {damaged}.json" in caplog.text


def test_files_of_others_are_left_alone_and_not_counted(store: Store, files: ModelFiles) -> None:
    (files.folder / "notes.txt").write_bytes(b"n" * 20_000)
    (store.root / "other").mkdir()
    (store.root / "other" / f"{KEY}.state").write_bytes(b"o" * 20_000)
    name = save(files, 1, A)
    store.trim()
    assert names(files) == {"notes.txt", f"{name}.json", f"{name}.state"}
    assert (store.root / "other" / f"{KEY}.state").exists()


def test_what_a_process_left_when_it_ended_is_removed_after_an_hour(store: Store, files: ModelFiles) -> None:
    name, left = save(files, 1, A), []
    for number, (ending, age) in enumerate(itertools.product(("part", "state", "json"), (0, 4000))):
        path = files.folder / f"{number + 10:032x}.{ending}"
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age,) * 2)
        left.append((path, age))
    store.trim()
    assert [path.exists() for path, _ in left] == [age == 0 for _, age in left]
    assert (files.folder / f"{name}.state").exists()


def test_a_file_that_is_gone_was_not_found(files: ModelFiles, caplog: pytest.LogCaptureFixture) -> None:
    name = save(files, 1, A)
    (files.folder / f"{name}.json").unlink()
    assert files.best(A) is None
    assert caplog.text == ""


@posix
def test_only_this_user_can_read_what_is_kept(store: Store, files: ModelFiles) -> None:
    save(files, 1, A)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in files.folder.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(files.folder.stat().st_mode) == stat.S_IMODE(store.root.stat().st_mode) == 0o700


@posix
def test_a_folder_that_others_could_write_to_is_refused(store: Store, tmp_path: Path) -> None:
    (store.root / KEY).mkdir(parents=True, mode=0o770)
    (store.root / KEY).chmod(0o770)
    with pytest.raises(PermissionError, match="only this user"):
        store.of_model(KEY)
    (tmp_path / "own").mkdir(mode=0o700)
    (store.root / ("f" * 32)).symlink_to(tmp_path / "own")
    with pytest.raises(PermissionError, match="only this user"):
        store.of_model("f" * 32)
