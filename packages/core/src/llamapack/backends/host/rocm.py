"""AMD's ROCm, which its plug-in is linked with and does not bring: where it is, how new, and for which GPUs.

Looked for in AMD's Python package `rocm_sdk`, in /opt/rocm, where HIP_PATH says, and last where the system looks for
libraries. Nothing is loaded to find it. rocBLAS, a part of it, ends the process on a GPU that it has no kernels for;
which it has is told by the names of the files beside it.
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
class Place:
    """Where ROCm may be: its name for people, and the folders of its libraries; none where it is not there."""

    name: str
    folders: tuple[Path, ...] = ()
    problem: str = ""  # why it has no folders
    version: str = ""  # if the place itself knows


@dataclass(frozen=True, kw_only=True)
class Rocm:
    """A ROCm with all that the plug-in is linked with: the libraries in the order in which they are opened."""

    place: Place
    libraries: tuple[Path, ...]
    version: str = ""  # empty if nothing tells
    kernels: frozenset[str] | None = None  # gfx names; None if rocBLAS' files are not beside it

    @property
    def own(self) -> bool:
        """True if the system's linker finds it without our help."""
        return not self.place.folders


def needed_libraries(library: Path) -> tuple[str, ...]:
    """Return the names of ROCm's libraries that `library` is linked with, in the order in which they are opened."""
    try:
        found = read_library(library)
    except (OSError, ValueError):
        return ()
    names = [name for name in (found.needed if found else ()) if _OURS.fullmatch(name)]
    return tuple(sorted(names, key=lambda name: next(at for at, stem in enumerate(_ORDER) if stem in name.lower())))


def places(package: Place, root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> Iterator[Place]:
    """Yield the places where ROCm may be, in order: what AMD's `package` says, and the rest except the system's own."""
    yield package
    windows = sys.platform == "win32"
    if not windows:
        yield _folder(f"/{FOLDER.as_posix()}", root / FOLDER, "is not there")
    named = environment.get(VARIABLE, "")
    if named:
        yield _folder(f"{VARIABLE}={named}", Path(named), "is not there")
    else:
        yield Place(name=VARIABLE, problem="is not set")


def find_rocm(
    plugin: BackendPlugin, candidates: Iterable[Place], environment: Mapping[str, str] = os.environ
) -> Rocm | tuple[Place, ...]:
    """Return the first ROCm that has all that `plugin` is linked with, or the places that were looked into."""
    names, seen = needed_libraries(plugin.library), []
    for place in candidates:
        paths = [next((path for folder in place.folders if (path := folder / name).is_file()), None) for name in names]
        if place.folders and None not in paths:
            return _rocm(place, tuple(path for path in paths if path), environment)
        seen.append(place)
    known = [find_library(name, plugin.library) for name in names]
    if names and None not in known:
        return _rocm(Place(name="the system"), tuple(path for path in known if path), environment)
    return tuple(seen)


def use_rocm(plugin: BackendPlugin, found: Rocm | tuple[Place, ...]) -> BackendPlugin | Verdict:
    """Return `plugin` with the libraries to open first, or why it cannot be used with what was `found`."""
    if not isinstance(found, Rocm):
        return _missing(plugin, found)
    if is_older(found.version, plugin.toolkit):
        return _too_old(plugin, found)
    return plugin if found.own else replace(plugin, preload=(*plugin.preload, *found.libraries))


def kernels_beside(rocblas: Path, environment: Mapping[str, str] = os.environ) -> frozenset[str] | None:
    """Return the gfx names that the rocBLAS at `rocblas` has kernels for; None where its files are not found."""
    beside = rocblas.resolve().parent / "rocblas"
    named = environment.get(KERNELS)
    folders = [Path(named)] if named else [beside / "library", *sorted(beside.glob("*/library"))]
    names = [path.name for folder in folders if folder.is_dir() for path in folder.iterdir()]
    found = frozenset(match[1] for name in names if (match := _KERNEL.fullmatch(name)))
    return found or None


def lacks_kernels(gfx: str | None, kernels: frozenset[str] | None) -> bool:
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
        if not runs(gfx, plugin.targets) or lacks_kernels(gfx, host.rocm_kernels)
    )


def _folder(name: str, folder: Path, problem: str) -> Place:
    found = tuple(place for part in ("lib", "lib64", "bin") if (place := folder / part).is_dir())
    return Place(name=name, folders=found) if found else Place(name=name, problem=problem)


def _rocm(place: Place, libraries: tuple[Path, ...], environment: Mapping[str, str]) -> Rocm:
    by_stem = {stem: path for path in libraries for stem in _ORDER if stem in path.name.lower()}
    rocblas = by_stem.get("rocblas")
    return Rocm(
        place=place,
        libraries=libraries,
        version=_version(place, by_stem.get("amdhip64")),
        kernels=kernels_beside(rocblas, environment) if rocblas else None,
    )


def _version(place: Place, hip: Path | None) -> str:
    """Return major and minor, as in 6.4, of the file that libamdhip64.so.6 is a link to, or of the place's own word."""
    words = [hip.resolve().name.partition(".so.")[2]] if hip else []
    for folder in place.folders:
        try:
            words.append((folder.parent / ".info" / "version").read_text(encoding="ascii", errors="replace"))
        except OSError:
            continue
    for word in (*words, place.version):
        numbers = parse_version(word)
        if numbers and len(numbers) > 1:
            return f"{numbers[0]}.{numbers[1]}"
    return ""


def _missing(plugin: BackendPlugin, seen: tuple[Place, ...]) -> Verdict:
    names = needed_libraries(plugin.library)
    where = "; ".join(f"{place.name} {place.problem or _has(place)}" for place in seen)
    what = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not found ({where}; nor does the system know them)"
    wanted = f" {plugin.toolkit.partition('.')[0]}" if plugin.toolkit else ""
    least = f", {plugin.toolkit} or newer," if plugin.toolkit else ""
    remedy = f"Install AMD's ROCm{wanted}{least} into /opt/rocm or as the package rocm_sdk, "
    remedy += f"or set {VARIABLE} to its folder."
    return _broken(plugin, Fault.MISSING_LIBRARY, what, remedy)


def _has(place: Place) -> str:
    """Say what of HIP and rocBLAS is in a place that has not got what is wanted."""
    files = [path.name for folder in place.folders for path in folder.iterdir()]
    names = sorted(name for name in set(files) if _VERSIONED.fullmatch(name))
    return f"has {', '.join(names)}" if names else "has none of ROCm's libraries"


def _too_old(plugin: BackendPlugin, found: Rocm) -> Verdict:
    what = f"the ROCm of {found.place.name} is {found.version}, and it was built with {plugin.toolkit}"
    return _broken(plugin, Fault.VERSION, what, f"Update ROCm to {plugin.toolkit} or newer.")


def _broken(plugin: BackendPlugin, fault: Fault, what: str, remedy: str) -> Verdict:
    return Verdict(
        name=plugin.name,
        package=plugin.package,
        status=Status.BROKEN,
        fault=fault,
        reason=f"{plugin.package} {plugin.version} is not used: {what}",
        remedy=remedy,
        plugin=plugin,
    )
