"""Verdicts: whether a backend can be used, why not, and how to fix it. Every plug-in that was found has one."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from llamapack.backends.contract import BackendPlugin

# How far a product may be from the reference: the norm of the difference over that of the reference. Correct backends
# are at 0 to 0.003; with one wrong row among the 32 it is 0.09 and more.
TOLERANCE = 0.01

DeviceKind = Literal["cpu", "gpu", "igpu", "accel"]


class _StrEnum(str, enum.Enum):
    def __str__(self) -> str:
        return str(self.value)


class Status(_StrEnum):
    """Whether a backend can be used."""

    USABLE = "usable"  # it computes correctly on at least one device
    NO_DEVICE = "no device"  # it works, but finds nothing to compute on
    REFUSED = "refused"  # it was not loaded: it does not fit this llamapack
    BROKEN = "broken"  # the probe failed: crash, hang, wrong result, missing library
    UNPROBED = "unprobed"  # no check failed, but it was not probed


class Fault(_StrEnum):
    """Which check a backend failed: finer than the status, and stable, for programs."""

    IMPORT = "import"  # the entry point cannot be imported, or raises
    WRONG_TYPE = "wrong type"  # it returns something else than the contract asks for
    DUPLICATE = "duplicate"  # two plug-ins have this name
    MISSING_FILE = "missing file"  # the library that it names is not there
    VERSION = "version"  # the version is not llamapack's
    ABI_ID = "abi id"  # the description names another ABI id
    SONAME = "soname"  # the library is linked with another ggml-base
    EXPORTED_ID = "exported id"  # the loaded library returns another ABI id
    MISSING_SYMBOL = "missing symbol"
    MISSING_LIBRARY = "missing library"  # one that it is linked with is not found
    LOADING = "loading"  # it cannot be loaded for another reason
    CRASH = "crash"  # a signal, or an exception of Windows
    TIMEOUT = "timeout"
    NO_ANSWER = "no answer"  # the probe ended without a result
    NONSENSE = "nonsense"  # what the probe answered cannot be read
    WRONG_RESULT = "wrong result"  # a matrix product differs from the CPU's
    NO_PYTHON = "no python"  # no interpreter to run the probe with
    NOT_ASKED = "not asked"  # LLAMAPACK_PROBE=never


@dataclass(frozen=True, kw_only=True)
class ProbedDevice:
    """One device, as the probe found it; memory in bytes, at that time.

    `error_f16` and `error_quantized` say how far the matrix products are from the reference: the norm of the difference
    over the norm of the reference, or None if the device does not support the operation.
    """

    name: str
    description: str
    kind: DeviceKind
    uuid: str | None = None
    pci_id: str | None = None
    capability: str | None = None  # "9.0" or "gfx1100"
    driver: str | None = None
    memory_free: int = 0
    memory_total: int = 0
    software: bool = False  # a processor that plays a GPU, as Mesa's lavapipe does
    error_f16: float | None = None
    error_quantized: float | None = None

    @property
    def correct(self) -> bool:
        """True if no product differs from the reference by more than TOLERANCE."""
        return all(error is None or error <= TOLERANCE for error in (self.error_f16, self.error_quantized))


@dataclass(frozen=True, kw_only=True)
class Versions:
    """The versions of a vendor's toolkit that have to fit together; a plug-in says which one it was built with."""

    runtime: str  # of the runtime library in use; empty if it does not say, as on Windows without a driver
    driver: str  # the newest that the driver serves; empty if there is no driver

    def explain(self, toolkit: str | None) -> str:
        """Put in words which `toolkit` a plug-in was built with, which runtime it meets, and what the driver serves."""
        driver = f"the driver serves {self.driver}" if self.driver else "there is no NVIDIA driver"
        runtime = f", its runtime here is of {self.runtime}," if self.runtime else ""
        return f"it was built with CUDA {toolkit}{runtime} and {driver}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is known of one backend."""

    name: str
    package: str
    status: Status
    reason: str = ""  # a usable one has a reason too if one of its devices is not correct
    remedy: str = ""  # a command, or what else to do
    fault: Fault | None = None
    plugin: BackendPlugin | None = None  # None if it did not describe itself
    devices: tuple[ProbedDevice, ...] = ()
    libraries: tuple[Path, ...] = ()  # what the probe had loaded for it, and from where
    versions: Versions | None = None  # None if they are not known, or there are none
    output: str = ""  # the end of what it wrote to stderr during the probe
    cached: bool = False
    seconds: float = 0.0  # what the probe took, also if the verdict is a cached one

    @classmethod
    def of(
        cls, plugin: BackendPlugin, status: Status, reason: str, *, fault: Fault | None = None, remedy: str = ""
    ) -> Verdict:
        """Return a verdict on a plug-in that described itself."""
        return cls(
            name=plugin.name,
            package=plugin.package,
            status=status,
            reason=reason,
            remedy=remedy,
            fault=fault,
            plugin=plugin,
        )

    @property
    def usable(self) -> bool:
        """True if it may be loaded."""
        return self.status in (Status.USABLE, Status.UNPROBED)


def to_data(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as JSON can hold it, without the plug-in's record and whether it was cached."""
    data = {name: value for name, value in vars(verdict).items() if name not in ("plugin", "cached")}
    return {
        **data,
        "status": str(verdict.status),
        "fault": str(verdict.fault) if verdict.fault else None,
        "devices": [asdict(device) for device in verdict.devices],
        "libraries": [str(path) for path in verdict.libraries],
        "versions": asdict(verdict.versions) if verdict.versions else None,
    }


def from_data(data: dict[str, Any], plugin: BackendPlugin | None, *, cached: bool) -> Verdict:
    """Make a verdict of what `to_data` returned.

    Raises AttributeError, KeyError, TypeError or ValueError if the data are something else.
    """
    return Verdict(
        name=_typed(data["name"], str),
        package=_typed(data["package"], str),
        status=Status(data["status"]),
        reason=_typed(data["reason"], str),
        remedy=_typed(data["remedy"], str),
        fault=None if data["fault"] is None else Fault(data["fault"]),
        plugin=plugin,
        devices=tuple(device_from_data(device) for device in data["devices"]),
        libraries=tuple(Path(name) for name in data["libraries"]),
        versions=versions_from_data(data["versions"]),
        output=_typed(data["output"], str),
        cached=cached,
        seconds=float(data["seconds"]),
    )


def device_from_data(data: dict[str, Any]) -> ProbedDevice:
    """Make a device of what JSON holds; raises as `from_data` does."""
    device = ProbedDevice(**data)
    for names, kind in _DEVICE.items():
        for name in names:
            _typed(getattr(device, name), kind)
    if device.kind not in get_args(DeviceKind):
        raise ValueError(f"{device.kind!r} is not a kind of device")
    return device


_DEVICE: dict[tuple[str, ...], type | tuple[type, ...]] = {
    ("name", "description", "kind"): str,
    ("uuid", "pci_id", "capability", "driver"): (str, type(None)),
    ("memory_free", "memory_total"): int,
    ("software",): bool,
    ("error_f16", "error_quantized"): (float, int, type(None)),
}


def versions_from_data(data: dict[str, Any] | None) -> Versions | None:
    """Make versions of what JSON holds; raises as `from_data` does."""
    return None if data is None else Versions(runtime=_typed(data["runtime"], str), driver=_typed(data["driver"], str))


_Type = TypeVar("_Type")


def _typed(value: object, kind: type[_Type] | tuple[type[_Type], ...]) -> _Type:
    if not isinstance(value, kind):
        names = [each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,))]
        raise TypeError(f"{value!r} is not of type {' or '.join(names)}")
    return value
