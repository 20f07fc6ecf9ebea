"""A maintainer, a colleague and bad luck, at random: every task of vendoring in whatever state they leave.

Two sentences are checked after every task. Nothing that only the tracking repository has is dropped, moved out of reach
or overwritten, unless it is named and backed up. And no manifest names a pin or a patch that the copied tree has not.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import re
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.support.toy_upstream import AUTHOR, HEADERS, clone_tracking, copy_toy
from tests.support.vendoring.faults import NONE, Contents, Fault, changed_lines, injected, tokens_below
from tests.support.vendoring.upstreams import template
from tools.errors import ToolError
from tools.git.repository import Git
from tools.util.files import remove_tree
from tools.vendoring.apply import abort_operation, apply_patches, continue_operation
from tools.vendoring.bump import bump, preview_bump
from tools.vendoring.check import check
from tools.vendoring.clean import clean
from tools.vendoring.create_patches import create_patches, new_patch
from tools.vendoring.ensure import ensure_source
from tools.vendoring.journal import current_operation
from tools.vendoring.source.manifest import read_manifest, record_of
from tools.vendoring.status import read_status
from tools.vendoring.sync import sync

TRACKED = ("src/llama.cpp", "ggml/src/cpu.c", "ggml/src/ggml.c", "LICENSE")
IGNORED = ("build/out.log", "build/made.txt", "src/later.cpp")
"""Two of them are files of a later upstream."""
BY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
BRANCHES = ("llamapack", "mine", "for-upstream")


DISCARD = st.sampled_from([False, False, True])
FAULTS = st.one_of(
    *[st.just(NONE)] * 3, st.builds(Fault, call=st.integers(0, 40), status=st.sampled_from([128, 1, -9, None]))
)


class Vendoring(RuleBasedStateMachine):
    """The checkout, and all that may happen to it."""

    place: Path
    """Where templates and copies are made; set by whoever runs this."""

    @initialize()
    def begin(self) -> None:
        """Take a fresh copy."""
        toy, self.upstreams = template(self.place / "template")
        self.folder = Path(tempfile.mkdtemp(dir=self.place))
        self.toy = copy_toy(toy, self.folder)
        self.numbers, self.contents = itertools.count(1), Contents()
        self.patches: dict[str, bytes] = {}
        self.remember_patches()
        self.said: list[str] = []
        self.handler = logging.Handler()
        self.handler.emit = lambda record: self.said.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("llamapack").addHandler(self.handler)
        self.cache = mock.patch.dict("os.environ", {"LLAMAPACK_CACHE_DIR": str(self.folder / "cache")})
        self.cache.start()
        (self.folder / "home").mkdir()
        config = "[user]\n\tname = Ada\n\temail = ada@example.org\n"
        (self.folder / "home" / ".gitconfig").write_text(config, encoding="utf-8")
        self.home = mock.patch.dict("os.environ", {"HOME": str(self.folder / "home"), "XDG_CONFIG_HOME": ""})
        self.home.start()

    def teardown(self) -> None:
        """Follow the advice to its end; then remove the copy."""
        if not hasattr(self, "folder"):
            return
        try:
            self.follow_advice()
        finally:
            logging.getLogger("llamapack").removeHandler(self.handler)
            self.home.stop()
            self.cache.stop()
            remove_tree(self.folder)

    def token(self) -> str:
        """Return a line that nobody has written before."""
        return f"token-{next(self.numbers)}"

    def git(self, *args: str, stdin: str | None = None) -> bool:
        """Run git as the maintainer does, whatever it says; tell whether it succeeded."""
        git = self.toy.git.with_variables(**AUTHOR)
        return git.exists and git.attempt(*BY, *args, stdin=stdin).returncode == 0

    # What the maintainer does in vendor/llama.cpp.

    @rule(name=st.sampled_from(TRACKED), line=st.sampled_from([3, 10, 20, 30]), stage=st.booleans())
    def edit(self, name: str, line: int, stage: bool) -> None:
        """Change a line of a file, and stage it perhaps."""
        path = self.toy.checkout.tracking / name
        if path.is_file():
            rows = path.read_bytes().splitlines(keepends=True)
            at = max(min(line, len(rows)) - 1, 0)
            rows[at : at + 1] = [f"{self.token()}\n".encode()]
            path.write_bytes(b"".join(rows))
            if stage:
                self.git("add", "--", name)

    @rule(name=st.sampled_from(["src/mine.cpp", "src/ä b.cpp", "ggml/x.c", *IGNORED]))
    def write_new(self, name: str) -> None:
        """Write a file that git does not track, or ignores."""
        if self.toy.git.exists:
            self.toy.write(name, f"{self.token()}\n")

    @rule(name=st.sampled_from(TRACKED))
    def write_below(self, name: str) -> None:
        """Put a folder with a new file in the place of a file."""
        path = self.toy.checkout.tracking / name
        if path.is_file():
            path.unlink()
            self.toy.write(f"{name}/mine", f"{self.token()}\n")

    @rule(amend=st.sampled_from([False, False, True]))
    def commit(self, amend: bool) -> None:
        """Commit all edits."""
        self.git("add", "--all")
        message = f"Do {self.token()}\n\n{HEADERS}"
        self.git("commit", "--quiet", "--file=-", *(["--amend"] if amend else []), stdin=message)

    @rule(branch=st.sampled_from(BRANCHES), create=st.booleans())
    def checkout(self, branch: str, create: bool) -> None:
        """Go to another branch, a new one perhaps."""
        self.git("checkout", "--quiet", *(["-b"] if create else []), branch)

    @rule(
        words=st.sampled_from(
            [
                ("checkout", "--quiet", "--detach"),
                ("reset", "--quiet", "--hard", "HEAD~1"),
                ("reset", "--quiet", "HEAD~1"),
                ("stash", "--quiet"),
                ("stash", "--quiet", "--include-untracked"),
                ("stash", "pop", "--quiet"),
                ("merge", "--quiet", "--no-edit", "mine"),
                ("cherry-pick", "mine"),
                ("revert", "--no-edit", "HEAD"),
                ("rebase", "--quiet", "mine"),
                ("rebase", "--abort"),
                ("merge", "--abort"),
                ("am", "--abort"),
                ("am", "--quit"),
                ("am", "--skip"),
                ("am", "--continue"),
                ("tag", "--force", "mark"),
                ("branch", "--force", "mine"),
                ("update-ref", "-d", "refs/llamapack/base"),
                ("branch", "--quiet", "-D", "llamapack"),
                ("rm", "--quiet", "--cached", "LICENSE"),
            ]
        )
    )
    def use_git(self, words: tuple[str, ...]) -> None:
        """Do something with git."""
        self.git(*words)

    @rule(how=st.sampled_from(["whole", "half", "add"]))
    def resolve(self, how: str) -> None:
        """Resolve the conflicts, or only half of them, or add the files as they are."""
        if not self.toy.git.exists:
            return
        for name in set(self.toy.git.names("diff", "--name-only", "-z", "--diff-filter=U")):
            path = self.toy.checkout.tracking / name
            if how == "whole" and not path.is_dir():
                path.write_bytes(f"{self.token()}\n".encode())
            elif how == "half" and path.is_file():
                path.write_bytes(re.sub(rb"(?m)^<{7} .*\n", b"", path.read_bytes()))
        self.git("add", "--all")

    @rule()
    def forget_notes(self) -> None:
        """Lose what earlier commands noted."""
        for name in ("last.json", "known.json"):
            (self.toy.git.dir / "llamapack" / name).unlink(missing_ok=True)

    @rule()
    def clone(self) -> None:
        """Have a clone of the tracking repository in its place, as a colleague copies it."""
        if self.toy.git.exists and self.toy.git.id_of("HEAD^{commit}"):
            clone_tracking(self.toy)

    # What a colleague, or the maintainer, does to the checkout.

    @rule(number=st.integers(0, 4))
    def pull_pin(self, number: int) -> None:
        """Get another pin."""
        self.toy.pin(self.upstreams[number])

    @rule(what=st.sampled_from(["add", "change", "drop"]))
    def pull_patches(self, what: str) -> None:
        """Get other patches."""
        files = sorted(self.toy.checkout.patches.glob("*.patch"))
        if what == "add" and files:
            text = files[-1].read_bytes().replace(b"src/new.cpp", b"src/other.cpp").replace(b"line 1\n", b"theirs 1\n")
            number = int(files[-1].name[:4]) + 1
            (self.toy.checkout.patches / f"{number:04}-of-a-colleague.patch").write_bytes(text)
        elif what == "change" and files:
            files[0].write_bytes(files[0].read_bytes().replace(b"+ours", f"+{self.token()}".encode()))
        elif files:
            files[-1].unlink()
        self.remember_patches()

    @rule(what=st.sampled_from(["edit", "unlisted", "tidy", "manifest", "remove"]))
    def touch_synced(self, what: str) -> None:
        """Do something to the core package's tree."""
        tree = self.toy.synced
        if what == "edit" and (tree / "LICENSE").is_file():
            (tree / "LICENSE").write_bytes(b"by hand\n")
        elif what == "unlisted" and tree.exists():
            (tree / "stray.txt").write_bytes(b"stray\n")
        elif what == "tidy":
            (tree / "stray.txt").unlink(missing_ok=True)
        elif what == "manifest":
            (tree / "llamapack-manifest.json").unlink(missing_ok=True)
        elif tree.exists():
            remove_tree(tree)

    # The tasks.

    @rule(discard=DISCARD, fault=FAULTS)
    def apply(self, discard: bool, fault: Fault) -> None:
        """Run apply-patches."""
        self.task(lambda: apply_patches(self.toy.checkout, discard=discard), fault)

    @rule(skip=DISCARD, fault=FAULTS)
    def go_on(self, skip: bool, fault: Fault) -> None:
        """Run continue."""
        self.task(lambda: continue_operation(self.toy.checkout, skip=skip), fault)

    @rule(fault=FAULTS)
    def abort(self, fault: Fault) -> None:
        """Run abort."""
        self.task(lambda: abort_operation(self.toy.checkout), fault)

    @rule(discard=DISCARD, fault=FAULTS)
    def create(self, discard: bool, fault: Fault) -> None:
        """Run create-patches."""
        self.task(lambda: create_patches(self.toy.checkout, discard=discard), fault)

    @rule(fault=FAULTS)
    def new(self, fault: Fault) -> None:
        """Run new-patch."""
        name = f"Do {self.token()}"
        self.task(lambda: new_patch(self.toy.checkout, name, why="x", upstream="x", drop_when="x"), fault)

    @rule(discard=DISCARD, fault=FAULTS, local=st.sampled_from([False, False, False, True]))
    def sync(self, discard: bool, fault: Fault, local: bool) -> None:
        """Run sync."""
        source = self.toy.checkout.tracking if local else None
        self.task(lambda: sync(self.toy.checkout, discard=discard, source=source), fault)

    @rule(number=st.integers(0, 4), discard=DISCARD, fault=FAULTS)
    def bump(self, number: int, discard: bool, fault: Fault) -> None:
        """Run bump."""
        self.task(lambda: bump(self.toy.checkout, self.upstreams[number], discard=discard), fault)

    @rule(number=st.integers(0, 4))
    def preview(self, number: int) -> None:
        """Run bump --dry-run."""
        self.task(lambda: preview_bump(self.toy.checkout, self.upstreams[number]))

    @rule(discard=DISCARD, tracking=DISCARD, fault=FAULTS)
    def clean(self, discard: bool, tracking: bool, fault: Fault) -> None:
        """Run clean."""
        self.task(lambda: clean(self.toy.checkout, tracking=tracking, discard=discard), fault)

    @rule(fault=FAULTS)
    def build(self, fault: Fault) -> None:
        """Do what a build does first."""
        self.task(lambda: ensure_source(self.toy.checkout.root), fault)

    @rule(fault=FAULTS, thorough=DISCARD)
    def look(self, fault: Fault, thorough: bool) -> None:
        """Run status or check."""
        self.task(lambda: check(self.toy.checkout) if thorough else read_status(self.toy.checkout), fault)

    def task(self, work: Callable[[], object], fault: Fault = NONE) -> bool:
        """Run `work`, and check both sentences; tell whether it succeeded."""
        before = self.contents.main(self.toy.git)
        self.said, succeeded = [], True
        with injected(fault):
            try:
                self.said.append(repr(work()))
            except ToolError as error:
                succeeded = False
                self.said.append(str(error))
            except KeyboardInterrupt:
                succeeded = False
        self.nothing_is_lost(before)
        self.manifests_are_true()
        return succeeded

    def nothing_is_lost(self, before: set[bytes]) -> None:
        """Check the first sentence."""
        text = "\n".join(self.said)
        lost = before - self.contents.main(self.toy.git)
        if lost:
            lost -= tokens_below(self.toy.checkout.patches) | self.contents.backups(self.toy.git, text)
        for folder in (self.folder / "cache" / "backups").glob("*/llama.cpp") if lost else ():
            if str(folder) in text:
                lost -= self.contents.main(Git.at(folder)) | self.contents.reachable(Git.at(folder), "--all")
        assert not lost, f"{sorted(lost)} are gone; said was:\n{text}"

    def manifests_are_true(self) -> None:
        """Check the second sentence."""
        self.remember_patches()
        tree = self.toy.synced
        manifest = read_manifest(tree)
        if manifest is None or (tree / "llamapack-manifest.json.next").exists():
            return
        as_listed = {path for path, listed in manifest.files.items() if record_of(tree / path, listed) == listed}
        if manifest.source == "tracking" and "ggml/VERSION" in as_listed:
            version = (tree / "ggml/VERSION").read_text(encoding="utf-8").strip()
            assert manifest.commit == self.upstreams[int(version)]
            assert manifest.tree == self.toy.upstream.require_id(f"{manifest.commit}^{{tree}}")
        assert manifest.ggml_tree != ""
        replaced: set[tuple[str, bytes]] = set()
        for name, sha256 in sorted(manifest.patches.items(), reverse=True):
            patch = self.patches[sha256]
            added = {each for each in changed_lines(patch, b"+") if each[0] in as_listed} - replaced
            lost = [line for path, line in added if line not in (tree / path).read_bytes().split(b"\n")]
            assert lost == [], f"{name} is named, and not there"
            replaced |= changed_lines(patch, b"-")

    def remember_patches(self) -> None:
        """Keep the patch files that there are, to look into those that a manifest names."""
        for path in self.toy.checkout.patches.glob("*.patch"):
            content = path.read_bytes()
            self.patches[hashlib.sha256(content).hexdigest()] = content

    # The advice.

    def follow_advice(self) -> None:
        """Do what the status says until it says nothing more; it must come to that."""
        said: list[str] = []
        for _ in range(20):
            self.settle()
            try:
                steps = read_status(self.toy.checkout).next
            except ToolError as error:
                steps = (error.fix,)
            if not steps:
                return
            self.said = []
            self.do(steps[0])
            self.make_room()
            said.append(f"{steps[0]} -> {' '.join(self.said)[:300]}")
        raise AssertionError("The advice leads in circles:\n" + "\n".join(said))

    def settle(self) -> None:
        """Do what no command does for a maintainer: remove a stale lock, leave a branch without a commit."""
        git = self.toy.git
        if git.exists:
            (git.dir / "index.lock").unlink(missing_ok=True)
            if not git.id_of("HEAD^{commit}"):
                git.attempt("checkout", "--quiet", "--force", "--detach", self.toy.base)

    def make_room(self) -> None:
        """Move away what a refusal says is in the way of the new source."""
        for line in re.findall(r"move (.*?) away", "\n".join(self.said), re.IGNORECASE):
            for name in line.split(", "):
                path = self.toy.checkout.tracking / name
                if path.is_file():
                    path.unlink()

    def do(self, step: str) -> None:
        """Follow one step, as a person who reads it would."""
        if step.startswith("inv vendor.continue"):
            self._continue()
        elif match := re.match(r"git ([a-z-]+) --continue", step):
            self.git(match[1], "--abort") or self.git(match[1], "--quit")
        elif step.startswith("resolve "):
            self.resolve("whole")
        elif step.startswith("git "):
            self._in_turn(step)
        elif step.startswith("move stray.txt away"):
            (self.toy.synced / "stray.txt").unlink()
        elif match := re.match(r"move (.*) away", step):
            remove_tree(self.toy.synced)
        else:
            self._invoke(step)

    def _continue(self) -> None:
        """Go on: as it is, then with the conflict resolved, then without the patch; go back if nothing of it helps."""
        checkout, git = self.toy.checkout, self.toy.git
        before = current_operation(git)
        ways: tuple[tuple[Callable[[], None], bool], ...] = (
            (self.make_room, False),
            (lambda: self.resolve("whole"), False),
            (self.make_room, True),
        )
        for prepare, skip in ways:
            prepare()
            if self.task(partial(continue_operation, checkout, skip=skip)):
                return
            if (now := current_operation(git)) is None or len(now.done) > len(before.done if before else ()):
                return
        self.task(lambda: abort_operation(checkout))

    def _in_turn(self, step: str) -> None:
        """Run commands that a step names, as they stand there; what git does keeps every commit."""
        for command in step.partition(" (")[0].split("; "):
            words = command.partition(", in ")[0].split()
            if words[0] == "inv":
                self._invoke(command)
            elif words[1] != "cherry-pick":
                before = self._committed()
                self._run_as_advised(words[1:])
                assert before <= self._committed(), f"{sorted(before - self._committed())} are gone after: {command}"

    def _committed(self) -> set[bytes]:
        return self.contents.reachable(self.toy.git, "HEAD", "--exclude=refs/llamapack/backup/*", "--glob=refs/*")

    def _run_as_advised(self, words: list[str]) -> None:
        if words == ["commit"]:
            words = ["commit", "--quiet", "--message=Put aside"]
        elif words[:2] == ["branch", "mine"]:
            words = ["branch", f"mine-{next(self.numbers)}", *words[2:]]
        if not self.git(*words) and words[0] == "checkout":  # git says then: commit your changes or stash them
            self.git("add", "--all")
            self.git("commit", "--quiet", "--message=Put aside")

    def _invoke(self, step: str) -> None:
        checkout, discard = self.toy.checkout, "--discard" in step.partition(" (")[0]
        tasks: dict[str, Callable[[], object]] = {
            "inv vendor.apply-patches": lambda: apply_patches(checkout),
            "inv vendor.create-patches": lambda: create_patches(checkout),
            "inv vendor.sync": lambda: sync(checkout, discard=discard),
            "inv vendor.clean": lambda: clean(checkout, discard=discard),
            "inv vendor.new-patch": lambda: new_patch(checkout, f"Keep {self.token()}"),
        }
        work = next((work for name, work in tasks.items() if step.removeprefix("Run: ").startswith(name)), None)
        assert work, f"nobody knows how to follow: {step}"
        self.task(work)
