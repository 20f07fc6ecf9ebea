"""Prepare a release in the checkout: versions, pins and the changelog, for a person to look at and to commit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tools.errors import ToolError
from tools.paths import Checkout
from tools.release.changelog import release_section
from tools.release.gates.source import tag_of
from tools.release.versions import (
    VERSION,
    base_of,
    is_development,
    next_development,
    project_version,
    require_version,
    set_plugin_version,
    set_version,
)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What was set: the version, the one before it, and the files that changed."""

    version: str
    before: str
    changed: tuple[Path, ...]


def prepare(checkout: Checkout, version: str, day: date, plugin: str = "") -> Prepared:
    """Set `version` and its pins everywhere, and date its section of the changelog; with `plugin`, of that one only.

    A version for development, X.Y.Z.dev0, gets no section. Nothing is changed if the version is refused or there is
    nothing to release; what a killed call left is finished by the same call.
    """
    before = project_version(checkout)
    if _order(require_version(version)) < _order(before):
        raise ToolError(
            f"{version} is older than {before}, which this checkout has.",
            fix=f"Choose {before.partition('.dev')[0]} or a later one; to fix an older one, check out its tag.",
        )
    if plugin and base_of(version) != before:
        raise ToolError(
            f"{version} is no post-release of {before}, which this checkout has.",
            fix=f"Check out {tag_of(base_of(version))}, and fix the plug-in there: its core is the one of that tag.",
        )
    if not plugin and base_of(version) != version:
        set_version(checkout, version)  # it says that only a plug-in can be one
    changed: tuple[Path, ...] = ()
    if not is_development(version):
        path = checkout.root / "CHANGELOG.md"
        text = path.read_bytes()
        release_section(path, version, day)
        changed = (path,) if path.read_bytes() != text else ()
    changed += set_plugin_version(checkout, plugin, version) if plugin else set_version(checkout, version)
    return Prepared(version=version, before=before, changed=changed)


def next_steps(prepared: Prepared) -> list[str]:
    """Return what to do after `prepare`, in the order of docs/development/releasing.md."""
    version = prepared.version
    if is_development(version):
        return [f"Next: git commit --all --message 'Go on with {version}'"]
    return [
        "Next: read the section in CHANGELOG.md, then",
        f"  git commit --all --message 'Release {version}'",
        f"  git tag --annotate {tag_of(version)} --message '{tag_of(version)}'",
        f"  inv release.check --tag {tag_of(version)}",
        f"  git push origin main {tag_of(version)}",
        f"  inv release.prepare {next_development(base_of(version))}",
    ]


def _order(version: str) -> tuple[int | str, ...]:
    """Return what sorts versions of this project as PEP 440 does: .devN, aN, bN, rcN, the release, .postN."""
    found = VERSION.fullmatch(version)
    assert found, version
    rest = version.removeprefix(found["final"])
    pre = re.match(r"(a|b|rc)(\d+)", rest)
    dev = int(found["dev"][4:]) if found["dev"] else -1
    stage: tuple[int | str, ...] = (0, "", 0) if found["dev"] and not pre else (2, "", 0)
    if pre:
        stage = (1, pre[1], int(pre[2]))
    post = int(found["post"][5:]) if found["post"] else -1
    numbers = tuple(map(int, found["final"].split(".")))
    return (*numbers, *stage, post, 0 if found["dev"] else 1, dev)
