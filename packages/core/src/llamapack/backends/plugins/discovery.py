"""Check descriptions of plug-ins. A problem with one becomes a verdict on it, and does not affect the others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from llamapack.backends.contract import BackendPlugin, find_problems, reinstall_command
from llamapack.backends.plugins.entry_points import EntryPoint, normalize
from llamapack.backends.verdicts import Fault, Status, Verdict


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """The plug-ins that describe themselves as the contract asks, and a verdict for each of the others."""

    plugins: tuple[BackendPlugin, ...]
    rejected: tuple[Verdict, ...]
    output: Mapping[str, str] = field(default_factory=dict)  # what each plug-in printed meanwhile, by package


def sort_out(found: Iterable[BackendPlugin | Verdict]) -> Discovery:
    """Keep one plug-in of each name: that of the package llamapack-<name>, and without that one none.

    A package that offers a name twice has none of its own.
    """
    everything = tuple(found)
    plugins = [entry for entry in everything if isinstance(entry, BackendPlugin)]
    rejected = [entry for entry in everything if isinstance(entry, Verdict)]
    kept = []
    for place, plugin in enumerate(plugins):
        others = [other for at, other in enumerate(plugins) if other.name == plugin.name and at != place]
        if not others or (_is_official(plugin) and not any(map(_is_official, others))):
            kept.append(plugin)
        else:
            rejected.append(_duplicate(plugin, others))
    return Discovery(plugins=tuple(kept), rejected=tuple(rejected))


def check_plugin(entry: EntryPoint, plugin: BackendPlugin) -> BackendPlugin | Verdict:
    """Return `plugin` if it fits the contract and its package, and its files are there; else a verdict."""
    if problems := [*find_problems(plugin), *_contradictions(plugin, entry)]:
        return reject(entry, Fault.WRONG_TYPE, f"its description does not fit the contract: {'; '.join(problems)}")
    for path in (plugin.library, *plugin.preload):
        if not os.path.isfile(path):  # noqa: PTH113  # Path.is_file raises if the folder may not be searched
            return reject(entry, Fault.MISSING_FILE, f"its library {path} is missing")
    return plugin


def reject(entry: EntryPoint, fault: Fault, what: str) -> Verdict:
    """Return the verdict on a plug-in that did not describe itself as the contract asks."""
    package = entry.package or entry.name
    if fault is Fault.TIMEOUT:
        remedy = f"To do without it: python -m pip uninstall {package}. If it is only slow: LLAMAPACK_PROBE_SECONDS=120"
    else:
        remedy = reinstall_command(package)
    return Verdict(
        name=entry.name,
        package=package,
        status=Status.BROKEN if fault in _BROKEN else Status.REFUSED,
        fault=fault,
        reason=f"{package} {entry.version} is not used: {what}",
        remedy=remedy,
    )


_BROKEN = (Fault.TIMEOUT, Fault.CRASH, Fault.NO_ANSWER, Fault.NONSENSE)  # it harmed the process that asked it


def _contradictions(plugin: BackendPlugin, entry: EntryPoint) -> list[str]:
    pairs = [("name", plugin.name, entry.name, "its entry point")]
    if entry.package:
        pairs.append(("package", normalize(plugin.package), entry.package, "the installed package"))
    return [f"{what} is {said!r}, but {who} is {known!r}" for what, said, known, who in pairs if said != known]


def _is_official(plugin: BackendPlugin) -> bool:
    return normalize(plugin.package) == normalize(f"llamapack-{plugin.name}")


def _duplicate(plugin: BackendPlugin, others: list[BackendPlugin]) -> Verdict:
    official = next((other for other in others if _is_official(other) and not _is_official(plugin)), None)
    packages = ", ".join(sorted({other.package for other in others}))
    ending = f"{official.package} is used" if official else "so it is not known which one is meant"
    return Verdict.of(
        plugin,
        Status.REFUSED,
        f"{plugin.title} is not used: {packages} offers the backend {plugin.name!r} too, and {ending}",
        fault=Fault.DUPLICATE,
        remedy=f"python -m pip uninstall {plugin.package}" + ("" if official else f"  (or {packages})"),
    )
