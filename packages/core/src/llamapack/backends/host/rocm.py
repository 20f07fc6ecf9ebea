"""Find AMD's ROCm: its plug-in is linked with ROCm's libraries, but its wheel does not contain them.

It is searched for in AMD's Python package `rocm_sdk`, in /opt/rocm, in the folder that HIP_PATH names, and last where
the system looks for libraries. No library is loaded to find it. rocBLAS, a part of ROCm, ends the process on a GPU for
which it has no kernels; the names of the files next to it tell which kernels it has.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from llamapack.backends.contract import BackendPlugin
from llamapack.backends.host.architectures import parse_gfx, parse_override, runs, spell_gfx
from llamapack.backends.host.binaries import read_library
from llamapack.backends.host.binaries.missing import find_library
from llamapack.backends.host.facts import HostFacts
from llamapack.backends.host.gpus import HostGpu
from llamapack.backends.verdicts import Fault, Status, Verdict
from llamapack.backends.versions import is_older, parse_version

PACKAGE = "rocm_sdk"
FOLDER = Path("opt/rocm")
VARIABLE = "HIP_PATH"
KERNELS = "ROCBLAS_TENSILE_LIBPATH"  # rocBLAS' own variable for where they are

# In this order they are opened: each needs those before it.
_OURS = re.compile(r"(lib)?(amdhip64|rocblas|hipblas)[^/]*", re.IGNORECASE)
_ORDER = ("amdhip64", "rocblas", "hipblas")
_VERSIONED = re.compile(r"lib(amdhip64|rocblas|hipblas)\.so\.\d+|(lib)?(amdhip64(_\d+)?|rocblas|hipblas)\.dll")
_KERNEL = re.compile(r"TensileLibrary(?:_lazy)?_(gfx[0-9a-f]+)\.(?:dat|yaml)(?:\.\w+)?")


@dataclass(frozen=True, kw_only=True)
class RocmLocation:
    """A place where ROCm may be installed: its name in messages, and the folders with libraries, if there are any."""

    name: str
    folders: tuple[Path, ...] = ()
    problem: str = ""  # why it has no folders
    version: str = ""  # empty if the location itself does not tell


@dataclass(frozen=True, kw_only=True)
class RocmInstallation:
    """A ROCm with every library that the plug-in is linked with, in the order in which they are loaded."""

    location: RocmLocation
    libraries: tuple[Path, ...]
    version: str = ""  # empty if nothing tells
    kernels: frozenset[str] | None = None  # gfx names; None if rocBLAS' files are not beside it

    @property
    def own(self) -> bool:
        """True if the system's linker finds it without our help."""
        return not self.location.folders


def needed_libraries(library: Path) -> tuple[str, ...]:
    """Return the names of ROCm's libraries that `library` is linked with, in the order in which they are opened."""
    try:
        found = read_library(library)
    except (OSError, ValueError):
        return ()
    names = [name for name in (found.needed if found else ()) if _OURS.fullmatch(name)]
    return tuple(sorted(names, key=lambda name: next(at for at, stem in enumerate(_ORDER) if stem in name.lower())))


def rocm_locations(
    package: RocmLocation, root: Path = Path("/"), environment: Mapping[str, str] = os.environ
) -> Iterator[RocmLocation]:
    """Yield the places where ROCm may be, in order: what AMD's `package` says, and the rest except the system's own."""
    yield package
    windows = sys.platform == "win32"
    if not windows:
        yield _folder(f"/{FOLDER.as_posix()}", root / FOLDER, "is not there")
    named = environment.get(VARIABLE, "")
    if named:
        yield _folder(f"{VARIABLE}={named}", Path(named), "is not there")
    else:
        yield RocmLocation(name=VARIABLE, problem="is not set")


def find_rocm(
    plugin: BackendPlugin, candidates: Iterable[RocmLocation], environment: Mapping[str, str] = os.environ
) -> RocmInstallation | tuple[RocmLocation, ...]:
    """Return the first ROCm that has all that `plugin` is linked with, or the places that were looked into."""
    names, seen = needed_libraries(plugin.library), []
    for location in candidates:
        paths = [
            next((path for folder in location.folders if (path := folder / name).is_file()), None) for name in names
        ]
        if location.folders and None not in paths:
            return _rocm(location, tuple(path for path in paths if path), environment)
        seen.append(location)
    known = [find_library(name, plugin.library) for name in names]
    if names and None not in known:
        return _rocm(RocmLocation(name="the system"), tuple(path for path in known if path), environment)
    return tuple(seen)


def use_rocm(plugin: BackendPlugin, found: RocmInstallation | tuple[RocmLocation, ...]) -> BackendPlugin | Verdict:
    """Return `plugin` with the libraries to open first, or why it cannot be used with what was `found`."""
    if not isinstance(found, RocmInstallation):
        return _missing(plugin, found)
    if is_older(found.version, plugin.toolkit):
        return _too_old(plugin, found)
    return plugin if found.own else replace(plugin, preload=(*plugin.preload, *found.libraries))


def kernels_beside(rocblas: Path, environment: Mapping[str, str] = os.environ) -> frozenset[str] | None:
    """Return the gfx names that the rocBLAS at `rocblas` has kernels for; None if its files are not found."""
    beside = rocblas.resolve().parent / "rocblas"
    named = environment.get(KERNELS)
    folders = [Path(named)] if named else [beside / "library", *sorted(beside.glob("*/library"))]
    names = [path.name for folder in folders if folder.is_dir() for path in folder.iterdir()]
    found = frozenset(match[1] for name in names if (match := _KERNEL.fullmatch(name)))
    return found or None


def has_no_kernels(gfx: str | None, kernels: frozenset[str] | None) -> bool:
    """Return whether a device of `gfx` has no kernels among the known ones; what is not known counts as no."""
    version = parse_gfx(gfx or "")
    return version is not None and kernels is not None and spell_gfx(version) not in kernels


def effective_gfx(gpu: HostGpu | None, host: HostFacts, said: str | None = None) -> str | None:
    """Return the gfx name that code for `gpu` is chosen by: HSA_OVERRIDE_GFX_VERSION_N, or without N, decide.

    `said` is what the device says of itself, which such a variable has changed already.
    """
    node = gpu.kfd_node if gpu else None
    names = (f"HSA_OVERRIDE_GFX_VERSION_{node}", "HSA_OVERRIDE_GFX_VERSION")
    override = next((host.variables[name] for name in names if name in host.variables), "")
    return parse_override(override) or said or (gpu.gfx if gpu and gpu.gfx else None)


def unfit_gpus(plugin: BackendPlugin, host: HostFacts) -> frozenset[str]:
    """Return the PCI ids of AMD's GPUs that nothing may be computed on: without code, or without rocBLAS' kernels."""
    named = {gpu.pci_id: effective_gfx(gpu, host) for gpu in host.of_vendor("amd")}
    return frozenset(
        pci_id
        for pci_id, gfx in named.items()
        if not runs(gfx, plugin.targets) or has_no_kernels(gfx, host.rocm_kernels)
    )


def _folder(name: str, folder: Path, problem: str) -> RocmLocation:
    found = tuple(path for part in ("lib", "lib64", "bin") if (path := folder / part).is_dir())
    return RocmLocation(name=name, folders=found) if found else RocmLocation(name=name, problem=problem)


def _rocm(location: RocmLocation, libraries: tuple[Path, ...], environment: Mapping[str, str]) -> RocmInstallation:
    by_stem = {stem: path for path in libraries for stem in _ORDER if stem in path.name.lower()}
    # hipBLAS, which is beside rocBLAS, opens it where the plug-in itself is not linked with it.
    rocblas = by_stem.get("rocblas") or by_stem.get("hipblas")
    return RocmInstallation(
        location=location,
        libraries=libraries,
        version=_version(location, by_stem.get("amdhip64")),
        kernels=kernels_beside(rocblas, environment) if rocblas else None,
    )


def _version(location: RocmLocation, hip: Path | None) -> str:
    """Return the version as `6.4`: from the file behind libamdhip64.so.6, or from the location; empty if unknown."""
    words = [hip.resolve().name.partition(".so.")[2]] if hip else []
    for folder in location.folders:
        try:
            words.append((folder.parent / ".info" / "version").read_text(encoding="ascii", errors="replace"))
        except OSError:
            continue
    for word in (*words, location.version):
        numbers = parse_version(word)
        if numbers and len(numbers) > 1:
            return f"{numbers[0]}.{numbers[1]}"
    return ""


def _missing(plugin: BackendPlugin, seen: tuple[RocmLocation, ...]) -> Verdict:
    names = needed_libraries(plugin.library)
    where = "; ".join(f"{location.name} {location.problem or _has(location)}" for location in seen)
    what = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not found ({where}; nor does the system know them)"
    wanted = f" {plugin.toolkit.partition('.')[0]}" if plugin.toolkit else ""
    least = f", {plugin.toolkit} or newer," if plugin.toolkit else ""
    if any(name.lower().endswith(".dll") for name in names):
        remedy = f"Install AMD's HIP SDK{wanted}{least} and set {VARIABLE} to its folder."
    else:
        remedy = f"Install AMD's ROCm{wanted}{least} into /opt/rocm or as the package rocm_sdk, "
        remedy += f"or set {VARIABLE} to its folder."
    return _broken(plugin, Fault.MISSING_LIBRARY, what, remedy)


def _has(location: RocmLocation) -> str:
    """Return which versions of the libraries a location has that does not have the needed ones."""
    files = [path.name for folder in location.folders for path in folder.iterdir()]
    names = sorted(name for name in set(files) if _VERSIONED.fullmatch(name))
    return f"has {', '.join(names)}" if names else "has none of ROCm's libraries"


def _too_old(plugin: BackendPlugin, found: RocmInstallation) -> Verdict:
    what = f"the ROCm of {found.location.name} is {found.version}, and it was built with {plugin.toolkit}"
    return _broken(plugin, Fault.VERSION, what, f"Update ROCm to {plugin.toolkit} or newer.")


def _broken(plugin: BackendPlugin, fault: Fault, what: str, remedy: str) -> Verdict:
    return Verdict.of(plugin, Status.BROKEN, f"{plugin.title} is not used: {what}", fault=fault, remedy=remedy)
