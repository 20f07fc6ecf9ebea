"""How a plug-in describes itself: a frozen record, read from the `backend.json` next to its library.

A plug-in wheel has an entry point in the group `llamapack.backends`: a function without arguments that returns a
BackendPlugin. Importing the plug-in must do nothing, and reading the record loads no library.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from llamapack.backends.runtime_libraries import find_runtime
from llamapack.errors import InstallationError

DESCRIPTION = "backend.json"
RESERVED = ("all", "auto", "cpu", "none")  # these have another meaning in lists of backends

TargetKind = Literal["real", "ptx", "gfx"]

_NAME = re.compile(r"[a-z0-9_]+")
_PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_ID = re.compile(r"[0-9a-f]+")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One kind of device that the library holds code for.

    `real` is machine code for an NVIDIA compute capability ("9.0"), `ptx` is NVIDIA's portable code from one upwards,
    `gfx` is AMD machine code ("gfx1100").
    """

    kind: TargetKind
    name: str


@dataclass(frozen=True, kw_only=True)
class BackendPlugin:
    """One plug-in: its name, its library, and what it was built for and with."""

    name: str  # what users write: "vulkan"
    package: str  # for pip commands: "llamapack-vulkan"
    version: str  # of the plug-in wheel; core's must be the same
    library: Path  # absolute
    abi_id: str
    llama_commit: str
    preload: tuple[Path, ...] = ()  # runtime libraries that are loaded first, in this order; absolute
    targets: tuple[Target, ...] = ()  # empty: any device
    driver_floor: str | None = None  # the oldest driver that works, compared as numbers
    toolkit: str | None = None  # the version of the vendor's toolkit it was built with: a runtime must not be older

    @property
    def title(self) -> str:
        """What messages call it, such as `llamapack-vulkan 0.4.0`."""
        return f"{self.package} {self.version}"


def read_plugin(folder: Path) -> BackendPlugin:
    """Read the description in `folder`, which holds the library too; its file names are relative to it.

    Raises InstallationError if it is missing, or does not fit the contract.
    """
    path = folder.resolve() / DESCRIPTION
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InstallationError(
            f"The backend description {path} cannot be read.",
            why=f"{type(error).__name__}: {error}",
            fix=f"Reinstall the plug-in: {reinstall_command('<its package>')}",
        ) from error
    try:
        plugin = _from_data(data, path.parent)
        problems = find_problems(plugin)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        problems = [f"{type(error).__name__}: {error}"]
    if problems:
        package = data.get("package") if isinstance(data, dict) else None
        raise InstallationError(
            f"The backend description {path} does not fit the contract.",
            why="; ".join(problems),
            fix=f"Reinstall the plug-in: {reinstall_command(package or '<its package>')}",
        )
    return plugin


def reinstall_command(package: str) -> str:
    """Return the command that installs a damaged package again."""
    return f"python -m pip install --force-reinstall {package}"


def plugin_to_data(plugin: BackendPlugin) -> dict[str, Any]:
    """Return the record as JSON can hold it, with absolute paths; `plugin_from_data` is the way back."""
    return {
        **vars(plugin),
        "library": str(plugin.library),
        "preload": [str(path) for path in plugin.preload],
        "targets": [vars(target) for target in plugin.targets],
    }


def plugin_from_data(data: Mapping[str, Any]) -> BackendPlugin:
    """Make a record of what `plugin_to_data` returned; `find_problems` says whether it fits the contract.

    Raises AttributeError, KeyError, TypeError or ValueError if `data` is something else.
    """
    return BackendPlugin(
        **{
            **data,
            "library": Path(data["library"]),
            "preload": tuple(Path(path) for path in data["preload"]),
            "targets": tuple(Target(kind=target["kind"], name=target["name"]) for target in data["targets"]),
        }
    )


def find_problems(plugin: BackendPlugin) -> list[str]:
    """Return how the record differs from the contract; whether its files exist is checked elsewhere."""
    broken = [name for name, holds in _rules(plugin).items() if not holds]
    return [f"{name} is {getattr(plugin, name)!r}, but must be {_MUST[name]}" for name in broken]


def _rules(plugin: Any) -> dict[str, bool]:  # Any: authors of plug-ins may not use a type checker
    return {
        "name": _matches(plugin.name, _NAME) and plugin.name not in RESERVED,
        "package": _matches(plugin.package, _PACKAGE),
        "version": isinstance(plugin.version, str) and plugin.version != "",
        "library": _is_absolute(plugin.library),
        "abi_id": _matches(plugin.abi_id, _ID),
        "llama_commit": _matches(plugin.llama_commit, _ID),
        "preload": isinstance(plugin.preload, tuple) and all(map(_is_absolute, plugin.preload)),
        "targets": isinstance(plugin.targets, tuple) and all(map(_is_target, plugin.targets)),
        "driver_floor": plugin.driver_floor is None or _matches(plugin.driver_floor, _VERSION),
        "toolkit": plugin.toolkit is None or _matches(plugin.toolkit, _VERSION),
    }


_MUST = {
    "name": f"lower-case letters, digits and underscores, and none of {', '.join(RESERVED)}",
    "package": "the name of a package",
    "version": "the version of the package",
    "library": "an absolute Path",
    "abi_id": "hexadecimal digits",
    "llama_commit": "hexadecimal digits",
    "preload": "a tuple of absolute Paths",
    "targets": f"a tuple of Targets whose kind is one of {', '.join(get_args(TargetKind))}",
    "driver_floor": 'None or numbers with dots between them, as in "580.65"',
    "toolkit": 'None or numbers with dots between them, as in "13.0"',
}


def _from_data(data: Mapping[str, Any], folder: Path) -> BackendPlugin:
    return BackendPlugin(
        name=data["name"],
        package=data["package"],
        version=data["version"],
        library=folder / data["library"],
        abi_id=data["abi_id"],
        llama_commit=data["llama_commit"],
        preload=tuple(find_runtime(folder, name) for name in data.get("preload", ())),
        targets=tuple(Target(kind=target["kind"], name=target["name"]) for target in data.get("targets", ())),
        driver_floor=data.get("driver_floor"),
        toolkit=data.get("toolkit"),
    )


def _matches(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_absolute(value: object) -> bool:
    return isinstance(value, Path) and value.is_absolute()


def _is_target(value: object) -> bool:
    return isinstance(value, Target) and value.kind in get_args(TargetKind) and isinstance(value.name, str)
