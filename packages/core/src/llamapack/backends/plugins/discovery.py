"""Find the plug-ins that are installed. Each is on its own: what is wrong with one is a verdict and stops no other."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from typing import Any

from llamapack.backends.contract import BackendPlugin, find_problems
from llamapack.backends.plugins.entry_points import GROUP, EntryPoint, entry_points, normalize
from llamapack.backends.verdicts import Fault, Status, Verdict

LONGEST_REASON = 500


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """The plug-ins that describe themselves as the contract asks, and a verdict for each of the others."""

    plugins: tuple[BackendPlugin, ...]
    findings: tuple[Verdict, ...]


def discover() -> Discovery:
    """Ask every installed plug-in for its description; opens no library and starts no process."""
    return sort_out(_describe(entry) for entry in entry_points(GROUP))


def sort_out(found: Iterable[BackendPlugin | Verdict]) -> Discovery:
    """Keep one plug-in of each name: that of the package llamapack-<name>, and without that one none.

    A package that offers a name twice has none of its own.
    """
    everything = tuple(found)
    plugins = [entry for entry in everything if isinstance(entry, BackendPlugin)]
    findings = [entry for entry in everything if isinstance(entry, Verdict)]
    kept = []
    for place, plugin in enumerate(plugins):
        others = [other for at, other in enumerate(plugins) if other.name == plugin.name and at != place]
        if not others or (_is_official(plugin) and not any(map(_is_official, others))):
            kept.append(plugin)
        else:
            findings.append(_duplicate(plugin, others))
    return Discovery(plugins=tuple(kept), findings=tuple(findings))


def _describe(entry: EntryPoint) -> BackendPlugin | Verdict:
    try:
        module, _, attributes = entry.value.partition(":")
        function: Any = reduce(getattr, attributes.split("."), import_module(module))
    except BaseException as error:
        return _finding(entry, Fault.IMPORT, f"its entry point {entry.value} cannot be imported: {_say(error)}")
    try:
        plugin = function()
    except BaseException as error:
        return _finding(entry, Fault.IMPORT, f"its entry point {entry.value} failed: {_say(error)}")
    if not isinstance(plugin, BackendPlugin):
        what = f"its entry point {entry.value} returned a {type(plugin).__name__}, and not a BackendPlugin"
        return _finding(entry, Fault.WRONG_TYPE, what)
    if problems := [*find_problems(plugin), *_contradictions(plugin, entry)]:
        return _finding(entry, Fault.WRONG_TYPE, f"its description does not fit the contract: {'; '.join(problems)}")
    for path in (plugin.library, *plugin.preload):
        if not os.path.isfile(path):  # noqa: PTH113  # Path.is_file raises where the folder may not be searched
            return _finding(entry, Fault.MISSING_FILE, f"its library {path} is missing")
    return plugin


def _contradictions(plugin: BackendPlugin, entry: EntryPoint) -> list[str]:
    pairs = [("name", plugin.name, entry.name, "its entry point")]
    if entry.package:
        pairs.append(("package", normalize(plugin.package), entry.package, "the installed package"))
    return [f"{what} is {said!r}, but {who} is {known!r}" for what, said, known, who in pairs if said != known]


def _finding(entry: EntryPoint, fault: Fault, what: str) -> Verdict:
    package = entry.package or entry.name
    return Verdict(
        name=entry.name,
        package=package,
        status=Status.REFUSED,
        fault=fault,
        reason=f"{package} {entry.version} is not used: {what}",
        remedy=f"python -m pip install --force-reinstall {package}",
    )


def _is_official(plugin: BackendPlugin) -> bool:
    return normalize(plugin.package) == normalize(f"llamapack-{plugin.name}")


def _duplicate(plugin: BackendPlugin, others: list[BackendPlugin]) -> Verdict:
    official = next((other for other in others if _is_official(other) and not _is_official(plugin)), None)
    packages = ", ".join(sorted({other.package for other in others}))
    ending = f"{official.package} is used" if official else "so it is not known which one is meant"
    return Verdict(
        name=plugin.name,
        package=plugin.package,
        status=Status.REFUSED,
        fault=Fault.DUPLICATE,
        reason=f"{plugin.package} {plugin.version} is not used: {packages} offers the backend {plugin.name!r} too, "
        f"and {ending}",
        remedy=f"python -m pip uninstall {plugin.package}" + ("" if official else f"  (or {packages})"),
        plugin=plugin,
    )


def _say(error: BaseException) -> str:
    """Spell what a plug-in raised, which may be anything (as Rust's panics are), but for the user's Ctrl-C."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    try:
        text = str(error)
    except Exception:
        text = "it cannot say why"
    return f"{type(error).__name__}: {text[:LONGEST_REASON]}"
