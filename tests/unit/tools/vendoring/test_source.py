"""Where the source comes from: git, else a hash-pinned package; verified, or nothing at all."""

from __future__ import annotations

import errno
import hashlib
import logging
import shlex
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.toy_upstream import Toy, commit_files, make_archive, mirror_of
from tools.errors import ToolError
from tools.git import repository
from tools.git.repository import Git, require_git
from tools.util.files import remove_tree, reporting_os_errors
from tools.vendoring.apply import apply_patches
from tools.vendoring.bump import bump
from tools.vendoring.check import check
from tools.vendoring.ensure import ensure_source
from tools.vendoring.source import fetch
from tools.vendoring.source import mirror as archive
from tools.vendoring.source.pin import Mirror, load_pin
from tools.vendoring.sync import sync


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def package(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the archive of a package that carries the upstream, pinned as the mirror; git reaches nothing."""
    file = make_archive(toy, tmp_path / "index" / "package-1.0.tar.gz")
    toy.pin(toy.base, repository="https://llama.invalid/llama.cpp.git", mirrors=(mirror_of(file, digest(file)),))
    monkeypatch.setattr(fetch, "reach", lambda *_: "no network")
    offer(monkeypatch, file)
    return file


def offer(monkeypatch: pytest.MonkeyPatch, file: Path) -> list[str]:
    """Make the package index give `file`, and return the list that requests are noted in."""
    asked: list[str] = []

    def download(mirror: Mirror, folder: Path) -> Path:
        asked.append(mirror.package)
        return Path(shutil.copy(file, folder))

    monkeypatch.setattr(archive, "pip_download", download)
    return asked


def test_git_is_used_where_it_reaches_the_repository(toy: Toy, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    state = ensure_source(toy.checkout.root)
    assert (state.origin, state.commit) == ("git", toy.base)
    assert any("Fetching llama.cpp" in line for line in caplog.messages)


def test_package_is_used_where_git_does_not_and_this_is_said(
    toy: Toy, package: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    state = ensure_source(toy.checkout.root)
    assert (state.origin, state.commit) == ("package", toy.base)
    assert toy.state()["status"] == ""
    assert toy.git.id_of("refs/llamapack/base") == toy.base
    assert (toy.synced / "src/llama.cpp").read_bytes() == (toy.upstream.folder / "src/llama.cpp").read_bytes()
    (line,) = [line for line in caplog.messages if "comes from package 1.0" in line]
    assert "no network" in line


def test_nothing_of_the_archive_but_objects_is_used(toy: Toy, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _rewrite(package, {"config": "[core]\n\thooksPath = /evil\n", "hooks/post-checkout": "#!/bin/sh\nexit 1\n"})
    make_pinned(toy, package, monkeypatch)
    ensure_source(toy.checkout.root)
    config = (toy.git.dir / "config").read_text(encoding="utf-8")
    assert "evil" not in config
    assert not (toy.git.dir / "hooks").exists()


def make_pinned(toy: Toy, file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    toy.pin(toy.base, repository="https://llama.invalid/x.git", mirrors=(mirror_of(file, digest(file)),))
    offer(monkeypatch, file)
    return file


def _rewrite(package: Path, files: dict[str, str], *, break_pack: bool = False) -> None:
    """Put files into the archive's git folder; `break_pack` changes a byte in its last object."""
    folder = package.parent / "unpacked"
    with tarfile.open(package) as tar:
        tar.extractall(folder, filter="data")
    base = folder / "package-1.0/.git/modules/vendor/llama.cpp"
    for name, text in files.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text, encoding="utf-8")
    for path in base.rglob("*.pack") if break_pack else ():
        data = bytearray(path.read_bytes())
        data[-40] ^= 0xFF
        path.chmod(0o644)
        path.write_bytes(data)
    with tarfile.open(package, "w:gz") as tar:
        tar.add(folder / "package-1.0", "package-1.0")


def test_tampered_archive_is_refused_and_nothing_is_made(
    toy: Toy, package: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    _rewrite(package, {"description": "changed\n"})
    offer(monkeypatch, package)
    with pytest.raises(ToolError, match=r"package 1.0 is not the file that was pinned; it was thrown away") as refusal:
        ensure_source(toy.checkout.root)
    assert digest(package) in str(refusal.value)
    assert load_pin(toy.checkout.pin_file).mirrors[0].sha256 in str(refusal.value)
    assert not toy.checkout.tracking.exists()
    assert list((cache / "source").iterdir()) == []
    assert {path.name for path in (toy.checkout.root / "vendor").iterdir()} == {"llama.cpp.toml", "sync.toml"}


def test_tampered_archive_leaves_the_trees_before_it(toy: Toy, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_source(toy.checkout.root)
    before, files = toy.state(), {p: p.read_bytes() for p in toy.synced.rglob("*") if p.is_file()}
    newer = commit_files(toy.upstream, {"src/llama.cpp": "newer\n"}, "Newer\n")
    toy.pin(newer, repository="https://llama.invalid/x.git", mirrors=(mirror_of(package, "0" * 64),))
    with pytest.raises(ToolError, match=f"llama.cpp {newer} could not be had"):
        apply_patches(toy.checkout)
    assert {**toy.state(), "pin": ""} == {**before, "pin": ""}
    assert {p: p.read_bytes() for p in toy.synced.rglob("*") if p.is_file()} == files


@pytest.mark.parametrize("damage", ["truncated", "not a tar", "broken object", "no objects"])
def test_broken_archive_is_refused_and_nothing_is_made(
    toy: Toy, package: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """Even with the right hash: what the archive holds is looked at, not trusted."""
    if damage == "truncated":
        package.write_bytes(package.read_bytes()[:-2000])
    elif damage == "not a tar":
        package.write_bytes(b"<html>Sign in</html>")
    elif damage == "broken object":
        _rewrite(package, {}, break_pack=True)
    make_pinned(toy, package, monkeypatch)
    if damage == "no objects":
        toy.pin(
            toy.base,
            repository="https://llama.invalid/x.git",
            mirrors=(Mirror(package="package", version="1.0", sha256=digest(package), git_dir="src"),),
        )
    words = {"broken object": "are damaged", "no objects": "has no git objects in src"}.get(damage, "is damaged")
    with pytest.raises(ToolError, match=words):
        ensure_source(toy.checkout.root)
    assert not toy.checkout.tracking.exists()
    assert not toy.synced.exists()


def test_wrong_tree_id_is_refused_and_nothing_is_made(toy: Toy, package: Path) -> None:
    pin = load_pin(toy.checkout.pin_file)
    toy.pin(toy.base, repository=pin.repository, mirrors=pin.mirrors, tree="e" * 40)
    with pytest.raises(ToolError, match=f"has the tree {pin.tree}, but vendor/llama.cpp.toml pins {'e' * 40}"):
        ensure_source(toy.checkout.root)
    assert not toy.checkout.tracking.exists()


def test_archive_of_another_commit_is_refused(toy: Toy, package: Path) -> None:
    pin = load_pin(toy.checkout.pin_file)
    newer = commit_files(toy.upstream, {"src/llama.cpp": "newer\n"}, "Newer\n")
    toy.pin(newer, repository=pin.repository, mirrors=pin.mirrors)
    with pytest.raises(ToolError, match=f"does not carry commit {newer}"):
        ensure_source(toy.checkout.root)


def test_archive_is_kept_and_its_hash_looked_at_again(
    toy: Toy, package: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    asked = offer(monkeypatch, package)
    ensure_source(toy.checkout.root)
    remove_tree(toy.checkout.tracking)
    ensure_source(toy.checkout.root)
    assert asked == ["package"]
    (kept,) = (cache / "source").iterdir()
    kept.write_bytes(b"rotten")
    remove_tree(toy.checkout.tracking)
    ensure_source(toy.checkout.root)
    assert asked == ["package", "package"]
    assert digest(kept) == digest(package)


def test_what_a_killed_download_left_is_removed(toy: Toy, package: Path, cache: Path) -> None:
    (cache / "source" / "new-12345678").mkdir(parents=True)
    (cache / "source" / "new-12345678" / "package-1.0.tar.gz").write_bytes(b"half")
    (cache / "source" / "new-12345678.lock").touch()
    ensure_source(toy.checkout.root)
    assert [path.suffix for path in (cache / "source").iterdir()] == [".gz"]


def test_everything_is_there_without_network_after_the_first_time(
    toy: Toy, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_source(toy.checkout.root)
    monkeypatch.setattr(repository, "_call", _only_local(repository._call))
    monkeypatch.setattr(archive, "pip_download", _unreachable)
    state = ensure_source(toy.checkout.root)
    assert (state.made, state.origin) == (False, "here")


def _unreachable(*_: object) -> Path:
    raise ToolError("package 1.0 could not be downloaded, and llama.cpp's source is in it.", fix="Check the network.")


def _only_local(real: object) -> object:
    def call(argv: list[str], *args: object, **named: object) -> object:
        assert not {"fetch", "ls-remote", "clone"} & {str(word) for word in argv}
        return real(argv, *args, **named)  # type: ignore[operator]

    return call


def test_no_network_at_all_says_which_ways_were_tried(toy: Toy, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "pip_download", _unreachable)
    with pytest.raises(ToolError, match=f"llama.cpp {toy.base} could not be had") as refusal:
        ensure_source(toy.checkout.root)
    assert "Not from https://llama.invalid/llama.cpp.git: no network" in refusal.value.why
    assert "Not from package 1.0: package 1.0 could not be downloaded" in refusal.value.why
    assert "Check the network." in refusal.value.why
    assert not toy.checkout.tracking.exists()


def test_unreachable_repository_is_noticed_without_a_question(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_patches(toy.checkout)
    monkeypatch.setenv("GIT_ASKPASS", "false")
    problem = fetch.reach(toy.git, "https://llama.invalid/llama.cpp.git")
    assert "llama.invalid" in problem
    assert fetch.reach(toy.git, str(toy.upstream.folder)) == ""


def test_answer_that_never_comes_ends_the_waiting(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_patches(toy.checkout)
    hang = f"!{shlex.quote(sys.executable)} -c 'import time; time.sleep(60)'"
    toy.git.run("config", "alias.hang", hang)
    done = toy.git.network("hang", timeout=0.3)
    assert (done.returncode, done.stderr) == (124, "no answer within 0 seconds")


def test_bump_to_a_package_pins_it_with_its_hash(toy: Toy, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_source(toy.checkout.root)
    newer = commit_files(toy.upstream, {"src/llama.cpp": "newer\n"}, "Newer\n")
    second = make_archive(toy, package.parent / "second" / "package-2.0.tar.gz")
    offer(monkeypatch, second)
    bump(toy.checkout, "package==2.0", sha256=digest(second))
    pin = load_pin(toy.checkout.pin_file)
    assert (pin.commit, pin.build_number) == (newer, 0)
    assert [(m.package, m.version, m.sha256) for m in pin.mirrors] == [("package", "2.0", digest(second))]
    sync(toy.checkout)
    assert check(toy.checkout, mirrors=True) == ()


def test_gate_looks_into_the_mirrors_when_asked(toy: Toy, package: Path) -> None:
    ensure_source(toy.checkout.root)
    pin = load_pin(toy.checkout.pin_file)
    toy.pin(toy.base, repository=pin.repository, mirrors=(mirror_of(package, "0" * 64),))
    sync(toy.checkout)
    assert check(toy.checkout) == ()
    (problem,) = check(toy.checkout, mirrors=True)
    assert problem.startswith("mirror package 1.0: The archive of package 1.0 is not the file that was pinned")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk is full: x"),
        (errno.EACCES, "Not allowed: x"),
        (errno.EROFS, "Not allowed: x"),
        (errno.ENOTDIR, "Something is in the way: x"),
        (errno.EISDIR, "Something is in the way: x"),
    ],
)
def test_what_the_disk_refuses_is_said(number: int, words: str) -> None:
    with pytest.raises(ToolError, match=words), reporting_os_errors("x"):
        raise OSError(number, "no")


def test_disk_that_fills_up_leaves_nothing_half_made(toy: Toy, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive, "write_file", full)
    with pytest.raises(ToolError, match="The disk is full"):
        ensure_source(toy.checkout.root)
    assert not toy.checkout.tracking.exists()


@pytest.mark.parametrize(
    ("said", "good"), [("git version 2.30.0", True), ("git version 2.29.9", False), ("odd", False)]
)
def test_old_git_is_refused(monkeypatch: pytest.MonkeyPatch, said: str, good: bool) -> None:
    monkeypatch.setattr(repository, "_version", lambda _: said)
    if good:
        require_git()
    else:
        with pytest.raises(ToolError, match=f"{said} is too old") as refusal:
            require_git()
        assert "Install git 2.30 or newer" in refusal.value.fix


def test_missing_git_is_said(toy: Toy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(ToolError, match="git was not found"):
        ensure_source(toy.checkout.root)
    assert not toy.checkout.tracking.exists()


BACKEND = """\
def get_requires_for_build_wheel(settings=None): return []
def prepare_metadata_for_build_wheel(folder, settings=None):
    import pathlib
    info = pathlib.Path(folder, "package-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: package\\nVersion: 1.0\\n")
    return info.name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


class TestPip:
    """With pip itself, on a folder in the place of an index."""

    @pytest.fixture(autouse=True)
    def index(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        pytest.importorskip("pip", reason="this interpreter has no pip, and making one takes long")
        folder = tmp_path / "shelf"
        folder.mkdir()
        with tarfile.open(folder / "package-1.0.tar.gz", "w:gz") as tar:
            info = "Metadata-Version: 2.1\nName: package\nVersion: 1.0\n"
            for name, text in {"backend.py": BACKEND, "pyproject.toml": PROJECT, "PKG-INFO": info}.items():
                (tmp_path / name).write_text(text, encoding="utf-8")
                tar.add(tmp_path / name, f"package-1.0/{name}")
        for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(folder), "CONFIG_FILE": "/dev/null"}.items():
            monkeypatch.setenv(f"PIP_{name}", value)
        return folder

    def mirror(self, sha256: str, version: str = "1.0") -> Mirror:
        return Mirror(package="package", version=version, sha256=sha256, git_dir="x")

    def test_right_archive_arrives(self, index: Path, tmp_path: Path) -> None:
        wanted = digest(index / "package-1.0.tar.gz")
        (tmp_path / "into").mkdir()
        found = archive.pip_download(self.mirror(wanted), tmp_path / "into")
        assert digest(found) == wanted

    def test_archive_with_another_hash_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "into").mkdir()
        with pytest.raises(ToolError, match=r"package==1.0 is not the file that was pinned; it was thrown away"):
            archive.pip_download(self.mirror("0" * 64), tmp_path / "into")

    def test_archive_that_no_index_has_is_explained(self, tmp_path: Path) -> None:
        (tmp_path / "into").mkdir()
        with pytest.raises(ToolError, match=r"package 2.0, .*source, could not be downloaded") as refusal:
            archive.pip_download(self.mirror("0" * 64, "2.0"), tmp_path / "into")
        assert "No matching distribution found for package==2.0" in refusal.value.why
        assert "python -m pip config list" in refusal.value.fix


def test_unrelated_zip_is_no_archive(tmp_path: Path) -> None:
    file = tmp_path / "x.tar.gz"
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("a", "b")
    with pytest.raises(ToolError, match="is damaged"):
        archive.extract_objects(file, mirror_of(file, digest(file)), tmp_path / "store")


def test_archive_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    file, evil = tmp_path / "x.tar.gz", tmp_path / "evil"
    evil.write_text("x", encoding="utf-8")
    with tarfile.open(file, "w:gz") as tar:
        tar.add(evil, "p/.git/modules/vendor/llama.cpp/objects/../../../../../../escaped")
    with pytest.raises(ToolError, match="has no git objects"):
        archive.extract_objects(file, mirror_of(file, digest(file)), tmp_path / "a" / "store")
    assert not list(tmp_path.rglob("escaped"))


def test_git_class_never_looks_above_its_folder(tmp_path: Path) -> None:
    Git.create(tmp_path)
    (tmp_path / "inner").mkdir()
    inner = Git.at(tmp_path / "inner")
    assert not inner.exists
    for words in (("status",), ("cat-file", "--batch-check")):
        with pytest.raises(ToolError, match=f"git {words[0]}.* failed with status 128"):
            inner.run(*words)
