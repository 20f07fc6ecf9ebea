"""Gates for the checkout that a release is made from: version, pins, changelog, tag, and no edits beside them."""

from __future__ import annotations

from collections.abc import Iterator

from tools.errors import ToolError
from tools.git.repository import Git
from tools.paths import Checkout
from tools.release.changelog import UNRELEASED, read_sections, section_of
from tools.release.gates.faults import Fault
from tools.release.versions import inconsistent, is_development, read_packages


def tag_of(version: str) -> str:
    """Return the name of the git tag of a version: v0.2.0."""
    return f"v{version}"


def check_source(checkout: Checkout, tag: str = "") -> list[Fault]:
    """Return what keeps the checkout from being released, under `tag` if one is given."""
    version = version_of(checkout, tag)
    return [
        *_of_version(checkout, version, tag),
        *(Fault(gate="pins", file=each.partition(": ")[0], what=each.partition(": ")[2], fix=_PREPARE)
          for each in inconsistent(checkout)),
        *(() if is_development(version) else _of_changelog(checkout, version)),
        *(_of_git(checkout, tag) if tag else ()),
    ]  # fmt: skip


def version_of(checkout: Checkout, tag: str = "") -> str:
    """Return the version that is released: the tag's if a package has it, and otherwise the core's.

    A plug-in can be released alone, as a post-release: then its version is the tag's, and the core's is not.
    """
    packages = read_packages(checkout)
    return next((each.version for each in packages if tag_of(each.version) == tag), packages[0].version)


def released_backends(checkout: Checkout, version: str) -> tuple[str, ...]:
    """Return the backends whose packages have this version: all of them, or the plug-in that is released alone."""
    backends = {each.name: each.name.partition("-")[2] or "cpu" for each in read_packages(checkout)}
    return tuple(backends[each.name] for each in read_packages(checkout) if each.version == version)


_PREPARE = "inv release.prepare X.Y.Z sets versions, pins and the changelog."


def _of_version(checkout: Checkout, version: str, tag: str) -> Iterator[Fault]:
    place = checkout.core.relative_to(checkout.root).as_posix() + "/pyproject.toml"
    if is_development(version):
        what = f"{version} is a version for development, which is never released"
        yield Fault(gate="version", file=place, what=what, fix=_PREPARE)
    if tag and tag != tag_of(version):
        what = f"the tag is not {tag_of(version)}, and no package has its version"
        fix = f"Tag the commit that has the version, or prepare the other one: inv release.prepare {tag.lstrip('v')}"
        yield Fault(gate="tag", file=tag, what=what, fix=fix)


def _of_changelog(checkout: Checkout, version: str) -> Iterator[Fault]:
    path = checkout.root / "CHANGELOG.md"
    try:
        section_of(path, version)
        for section in read_sections(path):
            if section.title == UNRELEASED and section.text:
                what = f"{UNRELEASED} is not empty, and {version} has a section"
                yield Fault(gate="changelog", file=path.name, what=what, fix=f"Move the lines below {version}.")
    except ToolError as error:
        yield Fault(gate="changelog", file=path.name, what=error.what, fix=error.fix)


def _of_git(checkout: Checkout, tag: str) -> Iterator[Fault]:
    git = Git.at(checkout.root)
    if edited := git.run("status", "--porcelain").stdout.splitlines():
        names = ", ".join(line[3:] for line in edited[:5]) + (" and others" if len(edited) > 5 else "")
        fix = "Commit them, or remove them: a release is made of a commit and of nothing else."
        yield Fault(gate="tag", file=tag, what=f"files are not as they were committed: {names}", fix=fix)
    tagged, head = git.id_of(f"refs/tags/{tag}^{{commit}}"), git.id_of("HEAD")
    if not tagged:
        yield Fault(gate="tag", file=tag, what="there is no such tag", fix=f"git tag --annotate {tag}")
    elif tagged != head:
        what = f"it is at {tagged[:9]}, and this checkout is at {head[:9]}"
        yield Fault(gate="tag", file=tag, what=what, fix=f"git checkout {tag}")
