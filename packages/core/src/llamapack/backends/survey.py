"""Collect what is known about the installed plug-ins: they are described, checked and probed once per process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from llamapack.backends.contract import BackendPlugin
from llamapack.backends.host.facts import HostFacts, read_host
from llamapack.backends.host.rocm import RocmInstallation, find_rocm, rocm_locations, unfit_gpus, use_rocm
from llamapack.backends.host.visible_devices import hides_all
from llamapack.backends.plugins.compatibility import check_before_loading
from llamapack.backends.plugins.discovery import Discovery, sort_out
from llamapack.backends.plugins.entry_points import GROUP, EntryPoint, entry_points, installed_plugins
from llamapack.backends.probing.describe import describe_plugins
from llamapack.backends.probing.probe import probe
from llamapack.backends.verdicts import Status, Verdict

ROCM = "rocm"


def discover(entries: Sequence[EntryPoint] | None = None) -> Discovery:
    """Return the descriptions of all installed plug-ins, or of those with these `entries`.

    None of their code runs in this process.
    """
    described = describe_plugins(entry_points(GROUP) if entries is None else entries)
    output = {each.outcome.package: each.output for each in described if each.output}
    return replace(sort_out(each.outcome for each in described), output=output)


class Survey:
    """The verdicts so far. Plug-ins that nobody asks for are not probed."""

    def __init__(self, found: Discovery) -> None:
        """Begin with the descriptions of the plug-ins."""
        self._found = found
        self._verdicts: dict[str, Verdict] = {}

    @classmethod
    def begin(cls) -> Survey:
        """Have the installed plug-ins described."""
        return cls(discover(installed_plugins()))

    @cached_property
    def host(self) -> HostFacts:
        """The facts of the machine; those on rocBLAS's kernels once ROCm's plug-in was looked at."""
        return read_host()

    def verdicts(self, names: Sequence[str] | None, cpu: Path) -> tuple[Verdict, ...]:
        """Return all verdicts; the plug-ins called `names`, or all, are probed with the CPU's library `cpu`."""
        missing = [
            plugin
            for plugin in self._found.plugins
            if plugin.name not in self._verdicts and (names is None or plugin.name in names)
        ]
        if missing:
            self._verdicts |= {verdict.name: verdict for verdict in self._try(missing, cpu)}
        return (*self._verdicts.values(), *self._found.rejected)

    def amend(self, verdict: Verdict) -> None:
        """Replace the verdict on a plug-in."""
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
        """Put what the plug-in printed when it described itself before the verdict's output."""
        return replace(verdict, output=self._found.output.get(verdict.package, "") + verdict.output)

    def _hidden(self, plugin: BackendPlugin) -> Verdict | None:
        """Return a verdict if all devices of the backend are hidden: llama.cpp's Vulkan would end the process."""
        setting = hides_all(plugin.name, self.host.variables)
        return Verdict.of(plugin, Status.NO_DEVICE, f"{setting} hides every device") if setting else None

    def _with_rocm(self, plugin: BackendPlugin) -> BackendPlugin | Verdict:
        """Return ROCm's plug-in with the libraries to load first; a verdict if these, or a GPU, are missing."""
        if plugin.name != ROCM:
            return plugin
        from llamapack.backends.probing.rocm_sdk import find_rocm_sdk  # for this plug-in only

        found = find_rocm(plugin, rocm_locations(find_rocm_sdk()))
        if isinstance(found, RocmInstallation):
            self.host = replace(self.host, rocm_kernels=found.kernels)
        gpus, unfit = self.host.of_vendor("amd"), unfit_gpus(plugin, self.host)
        if gpus and len(unfit) == len(gpus):
            reason = "no GPU of this machine can be used with it"  # which of the reasons, the choice says
            return Verdict.of(plugin, Status.NO_DEVICE, reason)
        return use_rocm(plugin, found)
