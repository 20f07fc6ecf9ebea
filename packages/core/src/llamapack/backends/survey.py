"""What is known of the installed plug-ins: found, compared, and tried in child processes, each once per process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from llamapack.backends.contract import BackendPlugin
from llamapack.backends.discovery import Discovery, discover
from llamapack.backends.handshake import check_before_loading
from llamapack.backends.host import HostFacts, read_host
from llamapack.backends.probe import probe
from llamapack.backends.verdicts import Status, Verdict
from llamapack.backends.visibility import hides_all


class Survey:
    """The verdicts so far. Plug-ins that nobody asks for are not tried."""

    def __init__(self, found: Discovery) -> None:
        """Begin with what discovery says."""
        self._found = found
        self._verdicts: dict[str, Verdict] = {}

    @classmethod
    def begin(cls) -> Survey:
        """Look for plug-ins."""
        return cls(discover())

    @property
    def installed(self) -> bool:
        """True if there is any plug-in, sound or not."""
        return bool(self._found.plugins or self._found.findings)

    @cached_property
    def host(self) -> HostFacts:
        """The facts of the machine."""
        return read_host()

    def verdicts(self, names: Sequence[str] | None, cpu: Path) -> tuple[Verdict, ...]:
        """Return what is known of all plug-ins, after trying those called `names`, or all, beside the CPU's library."""
        missing = [
            plugin
            for plugin in self._found.plugins
            if plugin.name not in self._verdicts and (names is None or plugin.name in names)
        ]
        if missing:
            self._verdicts |= {verdict.name: verdict for verdict in self._try(missing, cpu)}
        return (*self._verdicts.values(), *self._found.findings)

    def amend(self, verdict: Verdict) -> None:
        """Replace what is known of a plug-in."""
        self._verdicts[verdict.name] = verdict

    def _try(self, plugins: Sequence[BackendPlugin], cpu: Path) -> list[Verdict]:
        verdicts, fitting = [], []
        for plugin in plugins:
            known = self._hidden(plugin) or check_before_loading(plugin)
            if known:
                verdicts.append(known)
            else:
                fitting.append(plugin)
        return [*verdicts, *probe(fitting, cpu)] if fitting else verdicts

    def _hidden(self, plugin: BackendPlugin) -> Verdict | None:
        """Leave a backend alone whose devices are all hidden: upstream's Vulkan ends the process over a `-1`."""
        setting = hides_all(plugin.name, self.host.variables)
        if not setting:
            return None
        return Verdict(
            name=plugin.name,
            package=plugin.package,
            status=Status.NO_DEVICE,
            reason=f"{setting} hides every device",
            plugin=plugin,
        )
