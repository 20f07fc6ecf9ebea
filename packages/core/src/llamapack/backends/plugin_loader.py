"""Use the installed plug-ins: probe them, choose, load by absolute path, check the ABI id once more, register.

Loaded libraries stay loaded until the process ends. If loading one fails, another choice is made.
"""

from __future__ import annotations

import ctypes
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack._native.modules import exported_abi_id, load_backend
from llamapack.backends.contract import BackendPlugin, reinstall_command
from llamapack.backends.devices import describe
from llamapack.backends.in_use import BackendsInUse, warn_once
from llamapack.backends.plugins.compatibility import check_exported_id
from llamapack.backends.selection.decisions import Choice
from llamapack.backends.selection.request import Request
from llamapack.backends.selection.select import choose
from llamapack.backends.survey import Survey
from llamapack.backends.verdicts import Fault, ProbedDevice, Status, Verdict
from llamapack.errors import BackendError, LlamapackError


class _Process:
    """What this process knows about plug-ins, and what it has loaded."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.survey: Survey | None = None
        self.loaded: dict[str, api.ggml_backend_reg_p] = {}
        self.kept: list[Any] = []  # runtime libraries, kept open


_process = _Process()


def _forget_lock() -> None:
    """Replace the lock in a forked child: a thread that the child does not have may hold it."""
    _process.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)


def use_plugins(request: Request, cpu: Path) -> BackendsInUse:
    """Do what `loading.use_backends` says, if there are plug-ins."""
    with _process.lock:
        survey = _survey()
        choice = _load_chosen(request, survey, cpu)
    for text in choice.warnings:
        warn_once(text)
    return _used(choice)


def choose_plugins(request: Request, cpu: Path) -> tuple[Choice, tuple[BackendPlugin, ...]]:
    """Choose as `use_plugins` does, and load nothing; return the choice, and the plug-ins that it means.

    A plug-in that could not be probed is among them, and its devices are not in the choice.
    """
    with _process.lock:
        survey = _survey()
        verdicts = survey.verdicts(request.backends, cpu)
        choice = choose(request, verdicts, survey.host)
    for text in choice.warnings:
        warn_once(text)
    usable = {verdict.name: verdict.plugin for verdict in verdicts if verdict.usable and verdict.plugin is not None}
    wanted = [backend.name for backend in choice.backends if backend.loaded and backend.name in usable]
    return choice, tuple(usable[name] for name in wanted)


def survey_backends(cpu: Path) -> Survey:
    """Find and probe all plug-ins without loading any, and return what is known."""
    with _process.lock:
        survey = _survey()
        survey.verdicts(None, cpu)
        return survey


def _survey() -> Survey:
    if _process.survey is None:
        _process.survey = Survey.begin()
    return _process.survey


def _load_chosen(request: Request, survey: Survey, cpu: Path) -> Choice:
    """Choose and load, and choose again if loading one of them changed its verdict."""
    while True:
        verdicts = survey.verdicts(request.backends, cpu)
        choice = choose(request, verdicts, survey.host)
        wanted = {backend.name for backend in choice.backends if backend.loaded}
        news = [
            learned
            for verdict in verdicts
            if verdict.name in wanted and verdict.usable and (learned := _learn(verdict)) is not None
        ]
        if not news:
            return choice
        for verdict in news:
            survey.amend(verdict)


def _learn(verdict: Verdict) -> Verdict | None:
    """Load the backend of `verdict`; return a new verdict if that failed, or if its devices were not known."""
    if verdict.name not in _process.loaded:
        failed = _load(verdict)
        if failed:
            return failed
    if verdict.devices or verdict.status is not Status.UNPROBED:
        return None
    devices = tuple(_as_probed(pointer) for pointer in _pointers(verdict.name))
    if not devices:
        return replace(verdict, status=Status.NO_DEVICE, reason="it finds no device")
    return replace(verdict, devices=devices)


def _load(verdict: Verdict) -> Verdict | None:
    plugin = verdict.plugin
    if plugin is None:
        return replace(verdict, status=Status.BROKEN, fault=Fault.LOADING, reason="it did not describe itself")
    reinstall = reinstall_command(plugin.package)
    try:
        _process.kept += [ctypes.CDLL(str(path)) for path in plugin.preload]
        said = exported_abi_id(plugin.library, reinstall)
        if refused := check_exported_id(plugin, said):
            return refused
        _process.loaded[plugin.name] = load_backend(plugin.library)
    except (LlamapackError, OSError) as error:
        what, why = (error.what, error.why) if isinstance(error, LlamapackError) else (str(error), "")
        reason = " ".join(part for part in (what, why) if part)
        return replace(verdict, status=Status.BROKEN, fault=Fault.LOADING, reason=reason, remedy=reinstall)
    return None


def _pointers(backend: str) -> list[api.ggml_backend_device_p]:
    bound, registered = native(), _process.loaded[backend]
    return [
        bound.ggml_backend_reg_dev_get(registered, index)
        for index in range(bound.ggml_backend_reg_dev_count(registered))
    ]


def _as_probed(pointer: api.ggml_backend_device_p) -> ProbedDevice:
    device = describe(pointer)
    return ProbedDevice(
        name=device.name,
        description=device.description,
        kind=device.kind,
        pci_id=device.pci_id,
        memory_free=device.memory_free,
        memory_total=device.memory_total,
    )


def _used(choice: Choice) -> BackendsInUse:
    """Find the chosen devices in this process; names are those of the probe, which had the same environment."""
    found = []
    for decision in choice.used:
        pointer = next((each for each in _pointers(decision.backend) if describe(each).name == decision.name), None)
        if pointer is None:
            raise BackendError(
                f"The device {decision.name} of {decision.backend} is gone.",
                why="It was there when the backend was tried.",
                fix="Run: llamapack doctor",
            )
        found.append(pointer)
    return BackendsInUse(choice=choice, pointers=tuple(found), devices=tuple(describe(pointer) for pointer in found))
