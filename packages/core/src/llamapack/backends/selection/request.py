"""What the caller asks for: backends and devices by name, and whether a GPU is required."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llamapack.errors import InputError

VARIABLE = "LLAMAPACK_BACKENDS"
AUTO = "auto"
CPU = "cpu"
INSTALL = 'Install the plug-in for the GPU, such as: python -m pip install "llamapack[cuda]" (or rocm, metal, vulkan)'


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which backends and devices may be used; None means that llamapack chooses, and () that only the CPU is used."""

    backends: tuple[str, ...] | None = None
    devices: tuple[str, ...] | None = None
    require_gpu: bool = False
    source: str = "backends"  # who named the backends: the argument or the variable

    @property
    def cpu_only(self) -> bool:
        """True if no GPU may be used."""
        return self.backends == () or (self.devices is not None and set(self.devices) <= {"CPU"})


def read_request(
    backends: str | Sequence[str] | None,
    devices: Sequence[str] | None,
    require_gpu: bool,
    environment: Mapping[str, str],
) -> Request:
    """Make a request from the arguments of Model; if `backends` is None, the variable LLAMAPACK_BACKENDS is used.

    Raises InputError if the arguments are invalid.
    """
    if devices is not None and not _are_names(devices):
        raise InputError(f"devices must be a list of names, not {devices!r}.", fix="Put it in a list.")
    source = "backends"
    if backends is None and environment.get(VARIABLE, "").strip():
        backends, source = environment[VARIABLE], VARIABLE
    request = Request(
        backends=_names(backends, source),
        devices=None if devices is None else tuple(devices),
        require_gpu=require_gpu,
        source=source,
    )
    if require_gpu and request.cpu_only:
        asked = f"{source}={backends!r}" if request.backends == () else f"devices={list(devices or ())!r}"
        raise InputError(f"require_gpu cannot be combined with {asked}.", fix="Leave one of them out.")
    return request


def _names(backends: str | Sequence[str] | None, source: str) -> tuple[str, ...] | None:
    """Parse "auto", "cpu", "cuda,vulkan" or a list of names; the CPU is always used and needs no name."""
    words = backends.split(",") if isinstance(backends, str) else backends
    if words is None:
        return None
    if not _are_names(words):
        raise InputError(f"{source} must be names, not {backends!r}.", fix='Use such as "auto", "cpu" or ["vulkan"].')
    names = tuple(dict.fromkeys(word.strip().lower() for word in words if word.strip()))
    if not names and isinstance(backends, str):
        raise InputError(f"{source}={backends!r} names nothing.", fix='Use "auto", or "cpu" for the CPU alone.')
    if AUTO in names:
        if len(names) > 1:
            raise InputError(f'{source}={backends!r} mixes "auto" with names.', fix="Leave one of them out.")
        return None
    return tuple(name for name in names if name != CPU)


def _are_names(words: object) -> bool:
    return isinstance(words, Sequence) and not isinstance(words, str) and all(isinstance(word, str) for word in words)
