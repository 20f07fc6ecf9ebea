"""What is known of the installed plug-ins: found, compared, and tried in child processes, each once per process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from llamapack.backends.contract import BackendPlugin
from llamapack.backends.host.facts import HostFacts, read_host
from llamapack.backends.host.rocm import Place, Rocm, find_rocm, places, unfit_gpus, use_rocm
from llamapack.backends.host.visible_devices import hides_all
from llamapack.backends.plugins.compatibility import check_before_loading
from llamapack.backends.plugins.discovery import Discovery, sort_out
from llamapack.backends.plugins.entry_points import GROUP, entry_points
from llamapack.backends.probing.describe import describe_plugins
from llamapack.backends.probing.probe import probe
from llamapack.backends.probing.rocm_sdk import find_rocm_sdk
from llamapack.backends.verdicts import Status, Verdict

ROCM = "rocm"


def discover() -> Discovery:
    """Have every installed plug-in describe itself; opens no library, and runs none of their code in this process."""
    described = describe_plugins(entry_points(GROUP))
    output = {each.outcome.package: each.output for each in described if each.output}
    return replace(sort_out(each.outcome for each in described), output=output)


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
        return bool(self._found.plugins or self._found.rejected)

    @cached_property
    def host(self) -> HostFacts:
        """The facts of the machine; which kernels rocBLAS has, only where a plug-in asks for it."""
        return replace(read_host(), rocm_kernels=self._rocm.kernels if isinstance(self._rocm, Rocm) else None)

    @cached_property
    def _rocm(self) -> Rocm | tuple[Place, ...]:
        """The ROCm that the plug-in for it is to use, or the places that were looked into; none without one."""
        plugin = next((plugin for plugin in self._found.plugins if plugin.name == ROCM), None)
        return find_rocm(plugin, places(find_rocm_sdk())) if plugin else ()

    def verdicts(self, names: Sequence[str] | None, cpu: Path) -> tuple[Verdict, ...]:
        """Return what is known of all plug-ins, after trying those called `names`, or all, beside the CPU's library."""
        missing = [
            plugin
            for plugin in self._found.plugins
            if plugin.name not in self._verdicts and (names is None or plugin.name in names)
        ]
        if missing:
            self._verdicts |= {verdict.name: verdict for verdict in self._try(missing, cpu)}
        return (*self._verdicts.values(), *self._found.rejected)

    def amend(self, verdict: Verdict) -> None:
        """Replace what is known of a plug-in."""
        self._verdicts[verdict.name] = verdict

    def _try(self, plugins: Sequence[BackendPlugin], cpu: Path) -> list[Verdict]:
        verdicts, fitting = [], []
        for plugin in plugins:
            ready = self._hidden(plugin) or check_before_loading(plugin) or self._with_rocm(plugin)
            if isinstance(ready, Verdict):
                verdicts.append(ready)
            else:
                fitting.append(ready)
        avoided = [gpu for plugin in fitting if plugin.name == ROCM for gpu in unfit_gpus(plugin, self.host)]
        probed = probe(fitting, cpu, avoided=tuple(avoided)) if fitting else ()
        return [self._with_output(verdict) for verdict in (*verdicts, *probed)]

    def _with_output(self, verdict: Verdict) -> Verdict:
        """Add what the plug-in printed when it described itself."""
        return replace(verdict, output=self._found.output.get(verdict.package, "") + verdict.output)

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

    def _with_rocm(self, plugin: BackendPlugin) -> BackendPlugin | Verdict:
        """Have ROCm's libraries opened first; leave it alone where every GPU would end the process."""
        if plugin.name != ROCM:
            return plugin
        gpus, unfit = self.host.of_vendor("amd"), unfit_gpus(plugin, self.host)
        if gpus and len(unfit) == len(gpus):
            reason = "no GPU of this machine can be used with it"  # which of the reasons, the choice says
            return Verdict(name=ROCM, package=plugin.package, status=Status.NO_DEVICE, reason=reason, plugin=plugin)
        return use_rocm(plugin, self._rocm)
