"""A kill at any step: what is left explains itself, and can be gone on from or given up."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.toy_upstream import Toy, commit_files, copy_toy, edited
from tools.errors import ToolError
from tools.git import repository
from tools.util import files
from tools.util.atomic_files import is_leftover
from tools.vendoring import bump as bumping
from tools.vendoring.apply import ConflictError, abort_operation, apply_patches, continue_operation
from tools.vendoring.create_patches import create_patches
from tools.vendoring.ensure import ensure_source
from tools.vendoring.journal import current_operation
from tools.vendoring.status import read_status
from tools.vendoring.sync import sync

STRIDE = int(os.environ.get("LLAMAPACK_KILL_STRIDE", "6"))
"""Every how many steps a kill is tried: 1 tries all, and takes minutes."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork and no SIGKILL on Windows")


def die_at(step: int) -> None:
    """Make this process kill itself before its `step`-th call of git or writing of a file."""
    left = [step]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **named)

        return call

    repository._call = counted(repository._call)
    real_replace = counted(Path.replace)
    Path.replace = lambda self, target: real_replace(self, target)  # type: ignore[method-assign]
    Path.unlink = counted(Path.unlink)  # type: ignore[method-assign]
    files.remove_tree = counted(files.remove_tree)


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Run `work` in a child that kills itself at `step`; tell whether it came that far."""
    child = os.fork()
    if child == 0:
        os.closerange(0, 3)
        try:
            die_at(step)
            work()
        except ToolError:
            os._exit(3)
        except BaseException:
            os._exit(4)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) in {0, 3}
    return os.WIFSIGNALED(status)


def copies(template: Toy, folder: Path) -> Iterator[tuple[int, Toy]]:
    """Give a fresh copy for each step to die at; see STRIDE."""
    for step in range(0, 400, STRIDE):
        (folder / str(step)).mkdir()
        yield step, copy_toy(template, folder / str(step))
        shutil.rmtree(folder / str(step))


@pytest.fixture
def moved(patched: Toy) -> Toy:
    """Give a checkout whose pin moved to a commit on which all patches apply."""
    newer = commit_files(patched.upstream, {"docs/manual.md": "new\n", "src/added.cpp": "added\n"}, "Newer\n")
    patched.pin(newer)
    return patched


def finished(toy: Toy) -> dict[str, str]:
    return {name: value for name, value in toy.state().items() if name != "pin"}


def test_killed_apply_is_explained_continued_and_given_up(moved: Toy, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = copy_toy(moved, tmp_path / "whole")
    apply_patches(whole.checkout)
    before, after, steps = finished(moved), finished(whole), 0
    for step, toy in copies(moved, tmp_path):
        if not killed_at(step, lambda toy=toy: apply_patches(toy.checkout)):  # type: ignore[misc]
            break
        steps += 1
        _check_both_ways_on(toy, step, tmp_path, before, after)
    assert steps * STRIDE > 45


def _check_both_ways_on(toy: Toy, step: int, folder: Path, before: dict[str, str], after: dict[str, str]) -> None:
    status = read_status(toy.checkout)
    assert status.tracking is not None
    if status.tracking.operation is None:
        assert finished(toy) in (before, after), step
        return
    assert status.next == ("inv vendor.continue", "inv vendor.abort")
    place = folder / str(step) / "continued"
    place.mkdir()
    other = copy_toy(toy, place)
    continue_operation(other.checkout)
    assert finished(other) == after, step
    abort_operation(toy.checkout)
    assert finished(toy) == before, step
    assert current_operation(toy.git) is None


@pytest.mark.parametrize("way", ["continue", "abort"])
def test_git_killed_in_the_middle_of_its_work(moved: Toy, tmp_path: Path, way: str) -> None:
    """What a killed `git checkout` and a killed `git am` leave: a lock, files half written, an open am."""
    (tmp_path / "whole").mkdir()
    whole = copy_toy(moved, tmp_path / "whole")
    apply_patches(whole.checkout)
    before, after = finished(moved), finished(whole)
    for step in (14, 24, 30):
        (tmp_path / str(step)).mkdir()
        toy = copy_toy(moved, tmp_path / str(step))
        assert killed_at(step, lambda toy=toy: apply_patches(toy.checkout))  # type: ignore[misc]
        if current_operation(toy.git) is None:
            continue
        (toy.git.dir / "index.lock").write_bytes(b"half")
        toy.write("src/llama.cpp", "half a fi")
        toy.write("src/added.cpp", "")
        (toy.git.dir / "rebase-apply").mkdir(exist_ok=True)
        (toy.git.dir / "rebase-apply" / "applying").touch()
        if way == "continue":
            continue_operation(toy.checkout)
            assert finished(toy) == after
        else:
            abort_operation(toy.checkout)
            assert finished(toy) == before


def test_killed_bump_is_continued_or_given_up_with_its_pin(patched: Toy, tmp_path: Path) -> None:
    newer = commit_files(patched.upstream, {"ggml/src/cpu.c": edited(33, "theirs 33")}, "Newer\n")
    before, steps = patched.state(), 0
    for step, toy in copies(patched, tmp_path):
        if not killed_at(step, lambda toy=toy: bumping.bump(toy.checkout, newer)):  # type: ignore[misc]
            assert newer in toy.checkout.pin_file.read_text(encoding="utf-8")
            break
        steps += 1
        was = {**before, "pin": before["pin"].replace(str(patched.upstream.folder), str(toy.upstream.folder))}
        if current_operation(toy.git) is None:
            assert toy.state()["pin"] == was["pin"] or "- llama.cpp is now at" in changelog(toy)
            continue
        if step // STRIDE % 2:
            abort_operation(toy.checkout)
            assert toy.state() == was, step
            assert "llama.cpp is now" not in changelog(toy)
        else:
            continue_operation(toy.checkout)
            assert newer in toy.checkout.pin_file.read_text(encoding="utf-8")
            assert newer[:9] in changelog(toy)
    assert steps * STRIDE > 45


def changelog(toy: Toy) -> str:
    path = toy.checkout.root / "CHANGELOG.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_killed_continue_keeps_the_resolution(patched: Toy, tmp_path: Path) -> None:
    patched.pin(commit_files(patched.upstream, {"ggml/src/cpu.c": edited(20, "theirs 20")}, "Newer\n"))
    with pytest.raises(ConflictError):
        apply_patches(patched.checkout)
    patched.write("ggml/src/cpu.c", edited(20, "both 20"))
    patched.git.run("add", "ggml/src/cpu.c")
    for step, toy in copies(patched, tmp_path):
        done = not killed_at(step, lambda toy=toy: continue_operation(toy.checkout))  # type: ignore[misc]
        if current_operation(toy.git) is not None:
            continue_operation(toy.checkout)
        assert toy.git.ask("log", "--format=%s", "-3").splitlines() == [
            "Add a file",
            "Score it",
            "Change the first lines",
        ]
        assert toy.git.run("show", "HEAD:ggml/src/cpu.c").stdout == edited(20, "both 20"), step
        if done:
            break


def test_killed_create_patches_is_mended_by_the_next(patched: Toy, tmp_path: Path) -> None:
    patched.commit("More", {"src/llama.cpp": edited(30, "more")})
    patched.git.attempt("rebase", "-q", "--onto", "HEAD~3", "HEAD~2")
    wanted = None
    for step, toy in itertools.islice(copies(patched, tmp_path), 100 // STRIDE):
        done = not killed_at(step, lambda toy=toy: create_patches(toy.checkout))  # type: ignore[misc]
        assert read_status(toy.checkout).next in ((), ("inv vendor.create-patches",), ("inv vendor.sync",))
        create_patches(toy.checkout)
        wanted = wanted or toy.patches()
        assert toy.patches() == wanted
        assert not list(toy.checkout.patches.glob(".*"))
        if done:
            break


def synced(toy: Toy) -> dict[Path, bytes]:
    """Return the files of the synced tree, without what a killed write left of one."""
    found = (path for path in toy.synced.rglob("*") if path.is_file() and not is_leftover(path.name))
    return {path: path.read_bytes() for path in found}


def test_killed_sync_is_explained_and_mended_by_the_next(patched: Toy, tmp_path: Path) -> None:
    sync(patched.checkout)
    patched.write("src/llama.cpp", edited(30, "edit"))
    patched.write("src/one_more.cpp", "more\n")
    patched.git.run("rm", "-q", "--cached", "ggml/src/ggml.c")
    (patched.checkout.tracking / "ggml/src/ggml.c").unlink()
    for step, toy in copies(patched, tmp_path):
        before = synced(toy)
        if not killed_at(step, lambda toy=toy: sync(toy.checkout)):  # type: ignore[misc]
            break
        (stale,) = read_status(toy.checkout).trees
        now = synced(toy)
        assert now == before or stale.stale == ("a sync was cut off",) or not stale.stale, step
        sync(toy.checkout)
        assert (toy.synced / "src/one_more.cpp").read_text(encoding="utf-8") == "more\n"
        assert not (toy.synced / "ggml/src/ggml.c").exists()
        assert list(toy.synced.rglob(".*")) == []
        assert read_status(toy.checkout).trees[0].stale == ()


def test_killed_first_source_leaves_nothing_half_made(patched: Toy, tmp_path: Path) -> None:
    files.remove_tree(patched.checkout.tracking)
    for step, toy in copies(patched, tmp_path):
        done = not killed_at(step, lambda toy=toy: ensure_source(toy.checkout.root))  # type: ignore[misc]
        tracking, synced = toy.checkout.tracking.exists(), toy.synced.exists()
        if tracking:
            assert toy.state()["status"] == ""
        if synced:
            assert read_status(toy.checkout).trees[0].stale == ()
        assert ensure_source(toy.checkout.root).made != (tracking and synced)
        assert [path.name for path in (toy.checkout.root / "vendor").iterdir() if path.name.startswith(".")] == []
        if done:
            break
