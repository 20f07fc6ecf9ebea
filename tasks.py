"""The only commands that change source which is there already: vendoring, and releases. `inv --list` shows them all.

The stories around them are in docs/development/vendoring.md and docs/development/releasing.md.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

if sys.version_info < (3, 11):
    raise SystemExit(f"These tasks need Python 3.11 or newer; this is {sys.version.split()[0]}.")

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tools.errors import ToolError, printable
from tools.git.patch import read_series
from tools.matrix import load_matrix
from tools.paths import Checkout
from tools.release import prepare, upstream
from tools.release.gates import source as source_gates
from tools.release.gates.faults import report
from tools.release.rows import release_output
from tools.util.cmd import run_live
from tools.util.logs import shown_by
from tools.util.venv import ensure_environment
from tools.vendoring import apply, bump, check, clean, create_patches, messages, plain_tree, status, sync
from tools.vendoring.source.pin import load_pin

HERE = Checkout(root=Path(__file__).resolve().parent)
DIST = "the folder of the wheels and sdists"
NEEDED = {"rehearse": "uv"}
"""For a list of requirements, a module that shows whether this Python has its packages."""
DISCARD = "discard what would be lost; a backup is left and named"


@contextmanager
def _reporting_tool_errors() -> Iterator[None]:
    """Call tools: show what they log on standard error, and end with the message of a ToolError and status 1.

    Any other error is a bug and shows its traceback.
    """
    with shown_by(logging.StreamHandler(sys.stderr)):
        try:
            yield
        except ToolError as error:
            raise Exit(str(error), code=1) from error


def _print(lines: Iterable[str]) -> None:
    print(printable("\n".join(lines)), flush=True)


@task(help={"discard": DISCARD, "tree": "patch that folder instead: a source tree without git, as from an archive"})
def apply_patches(_: Context, discard: bool = False, tree: str = "") -> None:
    """Get llama.cpp at the pinned commit into vendor/llama.cpp and put the patches on top.

    It stops at the first patch that does not apply, for you to resolve it there. Edits and commits that only that
    repository has are never run over.
    """
    with _reporting_tool_errors():
        if tree:
            _print(messages.patched(plain_tree.patch_folder(Path(tree).expanduser(), read_series(HERE.patches))))
        else:
            _print(messages.applied(apply.apply_patches(HERE, discard=discard)))


@task(name="status")
def status_(_: Context) -> None:
    """Say where vendoring stands and what to do next; changes nothing."""
    with _reporting_tool_errors():
        _print(messages.status(status.read_status(HERE)))


@task(name="continue", help={"skip": "leave the patch at hand out of the series"})
def continue_(_: Context, skip: bool = False) -> None:
    """Go on with the patches after a conflict was resolved and `git add`ed, or after a kill."""
    with _reporting_tool_errors():
        _print(messages.applied(apply.continue_operation(HERE, skip=skip)))


@task
def abort(_: Context) -> None:
    """Give up an apply or a bump: pin and vendor/llama.cpp go back to where they were."""
    with _reporting_tool_errors():
        apply.abort_operation(HERE)
        _print(messages.aborted())


@task(name="create-patches", help={"discard": "remove patch files that were never applied here; a copy is saved"})
def create_patches_(_: Context, discard: bool = False) -> None:
    """Write the commits in vendor/llama.cpp as patches/, which then holds exactly them."""
    with _reporting_tool_errors():
        _print(messages.written(create_patches.create_patches(HERE, discard=discard)))


@task(
    help={
        "name": "what it does, in a few words: the subject of the commit",
        "why": "why it is needed",
        "upstream": "where upstream knows of it: an issue, a pull request",
        "drop-when": "what must be true for it to go",
    }
)
def new_patch(_: Context, name: str, why: str = "", upstream: str = "", drop_when: str = "") -> None:
    """Commit the edits in vendor/llama.cpp as one new patch, with its three headers."""
    with _reporting_tool_errors():
        made = create_patches.new_patch(HERE, name, why=why, upstream=upstream, drop_when=drop_when)
        _print([f"{made[:9]} {name}", "Next: inv vendor.create-patches vendor.sync"])


@task(
    name="sync",
    help={
        "discard": "replace files that were edited by hand in a synced tree; a copy is saved",
        "source": "a folder to copy from instead of vendor/llama.cpp: a tree of your own",
        "patch": "with --source: put the patches on the copy",
    },
)
def sync_(_: Context, discard: bool = False, source: str = "", patch: bool = False) -> None:
    """Copy vendor/llama.cpp, edits included, into the packages; only files that differ are touched."""
    with _reporting_tool_errors():
        folder = Path(source).expanduser().resolve() if source else None
        _print(messages.synced(sync.sync(HERE, discard=discard, source=folder, patch=patch)))


@task(name="check", help={"mirrors": "also look into the packages that the pin names"})
def check_(_: Context, mirrors: bool = False) -> None:
    """Rebuild pin and patches in a scratch clone; fail where the packages would build from anything else."""
    with _reporting_tool_errors():
        if problems := check.check(HERE, mirrors=mirrors):
            raise Exit("\n".join(messages.drifted(problems)), code=1)
        _print(["The packages build from exactly the pin and the patches."])


@task(
    name="bump",
    help={
        "ref": "a branch, tag or commit of upstream, or NAME==VERSION of a package that carries a checkout",
        "dry-run": "only say for each patch how it would go",
        "sha256": "of that package's source distribution",
        "discard": DISCARD,
    },
)
def bump_(_: Context, ref: str, dry_run: bool = False, sha256: str = "", discard: bool = False) -> None:
    """Move the pin to another llama.cpp and the patches with it; it stops where a patch does not apply."""
    with _reporting_tool_errors():
        if dry_run:
            _print(messages.previewed(bump.preview_bump(HERE, ref, sha256=sha256)))
        else:
            _print(messages.applied(bump.bump(HERE, ref, sha256=sha256, discard=discard)))


@task(name="clean", help={"tracking": "remove vendor/llama.cpp too", "discard": DISCARD})
def clean_(_: Context, tracking: bool = False, discard: bool = False) -> None:
    """Remove the copies in the packages; the next build makes them again."""
    with _reporting_tool_errors():
        _print(messages.cleaned(clean.clean(HERE, tracking=tracking, discard=discard)))


TASKS: tuple[Any, ...] = (
    apply_patches,
    status_,
    continue_,
    abort,
    create_patches_,
    new_patch,
    sync_,
    check_,
    bump_,
    clean_,
)


@task(name="prepare", help={"version": "X.Y.Z; or X.Y.Z.devN, to go on after a release", "plugin": "only that plug-in"})
def prepare_(_: Context, version: str, plugin: str = "") -> None:
    """Set a version and its pins in every package, and make its section of the changelog."""
    with _reporting_tool_errors():
        prepared = prepare.prepare(HERE, version, datetime.now(timezone.utc).date(), plugin)
        changed = [path.relative_to(HERE.root).as_posix() for path in prepared.changed]
        _print([*(f"  {name}" for name in changed), *prepare.next_steps(prepared)])


@task(
    name="check",
    help={
        "tag": "the tag that is released; without one, tag and edits are not looked at",
        "dist": "the folder of the wheels and sdists, to check them too",
        "builds": "with --dist: the builds to expect there, separated by commas; all by default",
        "index": "with --dist: the address of the index's simple API, or `none`; PyPI's by default",
    },
)
def check_release(_: Context, tag: str = "", dist: str = "", builds: str = "", index: str = "") -> None:
    """Say what keeps this checkout, or the files made from it, from being released; uploads nothing."""
    with _reporting_tool_errors():
        version = source_gates.version_of(HERE, tag)
        if faults := source_gates.check_source(HERE, tag):
            raise Exit(report(faults, passed=""), code=1)
        _print([f"The source of {version} passed every gate."])
        if dist:
            _step("check", dist, tag, f"--builds={builds}", f"--index={index}")


@task(help={"tag": "the tag that is released", "into": "the file to append the rows to, as a workflow's job does"})
def rows(_: Context, tag: str, into: str) -> None:
    """Append the rows of the release workflow's jobs to a file: one for each wheel, and each system to try them on."""
    with _reporting_tool_errors():
        backends = source_gates.released_backends(HERE, source_gates.version_of(HERE, tag))
        with Path(into).open("a", encoding="utf-8") as file:
            file.write(release_output(load_matrix(), backends))


@task(name="try", help={"tag": "the tag that is released", "dist": DIST})
def try_(_: Context, tag: str, dist: str = "dist") -> None:
    """Install the wheels by name from an index that has nothing else, and answer a prompt with them."""
    with _reporting_tool_errors():
        _step("try", dist, tag)


@task(help={"tag": "the tag that is released", "dist": DIST})
def attest(_: Context, tag: str, dist: str = "dist") -> None:
    """Sign the files with the identity of the workflow that this runs in (PEP 740); needs one."""
    with _reporting_tool_errors():
        _step("attest", dist, tag)


@task(help={"tag": "the tag that is released", "dist": DIST, "index": "its simple API", "upload": "its upload API"})
def publish(_: Context, tag: str, dist: str = "dist", index: str = "", upload: str = "") -> None:
    """Upload the files, the plug-ins first and the core last; what is there already is left alone."""
    with _reporting_tool_errors():
        _step("publish", dist, tag, f"--index={index}", f"--upload={upload}", needs=("rehearse",))


@task(help={"tag": "the tag that is released", "dist": DIST})
def announce(_: Context, tag: str, dist: str = "dist") -> None:
    """Make the release at GitHub, with the changelog's section, checksums and SBOMs; needs `gh`."""
    with _reporting_tool_errors():
        _step("announce", dist, tag)


def _step(name: str, dist: str, tag: str, *options: str, needs: tuple[str, ...] = ()) -> None:
    """Run a step of a release with the packages that it needs: this Python's, or those of an environment for it."""
    modules = ("check_wheel_contents", "installer", "pypi_simple", "twine", *(NEEDED[each] for each in needs))
    python = sys.executable
    if not all(find_spec(module) for module in modules):
        python = str(ensure_environment(("release", *needs), folder=HERE.build / "env-release").python)
    version = source_gates.version_of(HERE, tag)
    words = [python, "-m", "tools.release", name, str(Path(dist).expanduser().resolve()), version, *options]
    run_live(words, what=f"{version} is not released: `{name}` failed", cwd=HERE.root)


@task(
    name="prepare",
    help={
        "into": "a folder for the report",
        "output": "a file to append `ref=NAME` to, or `ref=` if there is nothing new",
    },
)
def prepare_update(_: Context, into: str, output: str = "", ref: str = "") -> None:
    """Move to upstream's newest release, and write a report on the patches; it stops before a conflict."""
    with _reporting_tool_errors():
        pin = load_pin(HERE.pin_file)
        apply.apply_patches(HERE)
        name = ref or upstream.newest_release(pin.repository)
        preview = bump.preview_bump(HERE, name)
        lines = list(messages.previewed(preview))[:-1]  # the last one says that nothing was changed
        made = upstream.proposal(name, preview.outcomes, lines)
        upstream.write_report(Path(into) / "report.md", made)
        _print([made.report])
        if made.conflicts:
            raise Exit(f"Patches are in conflict with llama.cpp {name}: {', '.join(made.conflicts)}.", code=1)
        newer = preview.new.commit != pin.commit
        if newer:
            bump.bump(HERE, name)
            create_patches.create_patches(HERE)
            sync.sync(HERE)
        if output:
            with Path(output).open("a", encoding="utf-8") as file:
                file.write(f"ref={name if newer else ''}\n")


@task(help={"into": "the folder of the report"})
def pack(_: Context, into: str) -> None:
    """Write what the update changed as one patch, for a job that may push."""
    with _reporting_tool_errors():
        upstream.pack(HERE, Path(into) / "changes.patch")


@task(help={"into": "the folder of the report"})
def measure(_: Context, into: str) -> None:
    """Run `nox -s bench`, and add its table to the report."""
    with _reporting_tool_errors():
        upstream.measure(HERE, Path(into) / "report.md")


@task(name="open", help={"ref": "upstream's release", "packed": "the folder of the report and the patch"})
def open_(_: Context, ref: str, packed: str) -> None:
    """Put the packed update on a branch, push it, and open a pull request; needs `gh`."""
    with _reporting_tool_errors():
        folder = Path(packed).resolve()
        upstream.open_pull_request(HERE, ref, changes=folder / "changes.patch", body=folder / "report.md")


vendor, release, update = Collection("vendor"), Collection("release"), Collection("update")
for entry in (prepare_, check_release, rows, try_, attest, publish, announce):
    release.add_task(entry)
for entry in (prepare_update, pack, measure, open_):
    update.add_task(entry)
for entry in TASKS:
    vendor.add_task(entry)
namespace = Collection(release, update, vendor)
