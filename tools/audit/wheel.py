"""Audit a wheel: every library by the rules, and the wheel as a whole."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tools.audit.judges import why_not
from tools.audit.library import Expected, Finding, Library
from tools.audit.plugin import DESCRIPTION, Description, plugin_expectation, read_description, wrong_with_description
from tools.audit.reading import PROGRAMS, SUFFIXES, read_library
from tools.audit.rules import CUSTOM, broken_rules
from tools.errors import ToolError
from tools.paths import CORE, EXPORTING, ROOT, SYNCED, export_list, package_folder
from tools.util.scratch import temporary_folder

PLUGIN_EXPORTS = CORE / "native" / "shared" / "backend-exports.txt"
# Symbol versions that the platforms of manylinux tags provide, from PEP 600 and auditwheel's policies.
FLOORS: Mapping[tuple[int, int], Mapping[str, tuple[int, ...]]] = {
    (2, 43): {"GLIBC": (2, 43)},  # Debian forky's, for which auditwheel has no policy
    (2, 28): {"GLIBC": (2, 28), "GLIBCXX": (3, 4, 24), "CXXABI": (1, 3, 11), "GCC": (7, 0, 0)},
}
FAMILIES = ("GLIBC", "GLIBCXX", "CXXABI")


@dataclass(frozen=True, kw_only=True)
class Report:
    """The findings of an audit, and the facts that it collected."""

    wheel: Path
    libraries: tuple[Library, ...]
    findings: tuple[Finding, ...]
    needs: Mapping[str, str]
    """The newest version of each family that any library needs: GLIBC → 2.34."""
    not_looked_at: tuple[str, ...] = ()
    """What the audit could not judge, in words."""

    def of(self, file: str) -> tuple[Finding, ...]:
        """Return the findings for the library called `file`."""
        return tuple(finding for finding in self.findings if finding.file == file)


def audit_wheel(wheel: Path) -> Report:
    """Audit `wheel`, the core's or a plug-in's."""
    with temporary_folder("audit") as folder:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        stated = read_description(folder)
        libraries = read_libraries(next(folder.glob(f"*/{DESCRIPTION}")).parent if stated else folder / "llamapack/lib")
        return Report(
            wheel=wheel,
            libraries=libraries,
            findings=tuple(_findings(wheel, folder, libraries, stated)),
            needs=newest(libraries),
            not_looked_at=tuple(not_looked_at(libraries)),
        )


def _findings(
    wheel: Path, folder: Path, libraries: tuple[Library, ...], stated: Description | None
) -> Iterator[Finding]:
    if stated:
        expected = plugin_expectation(stated, common(wheel.name), listed(PLUGIN_EXPORTS))
        yield from wrong_with_description(stated, libraries)
        yield from licences(folder, source=package_folder(stated["name"]) / "native" / "llama.cpp")
    else:
        expected = expectation(folder / "llamapack" / "lib", libraries, wheel.name)
        yield from one_base(libraries, expected)
        yield from licences(folder)
    yield from (finding for library in libraries for finding in broken_rules(library, expected))


def read_libraries(folder: Path) -> tuple[Library, ...]:
    """Read every library in `folder`, and every program; raises ToolError if there is no library."""
    found = sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES or path.name in PROGRAMS)
    if not any(path.suffix in SUFFIXES for path in found):
        raise ToolError(f"There is no library in {folder.name} of this wheel.", fix="Is it a wheel of llamapack?")
    return tuple(read_library(path) for path in found)


def expectation(folder: Path, libraries: Sequence[Library], wheel: str) -> Expected:
    """Return what to check the core's libraries in `folder` against, from abi.json, the export lists and the tag."""
    abi = json.loads((folder / "abi.json").read_text(encoding="utf-8"))
    return replace(
        common(wheel),
        abi_id=str(abi["abi_id"]),
        own=frozenset(library.name for library in libraries),
        levels={_level_file(level, libraries): tuple(flags) for level, flags in abi["cpu_levels"].items()},
    )


def common(wheel: str) -> Expected:
    """Return what applies to every library: the core's exports, the tag's versions, no path of this machine."""
    return Expected(
        abi_id="",
        own=frozenset(),
        exports={stem: listed(export_list(stem)) for stem in EXPORTING},
        levels={},
        floors=floors_of(wheel),
        places=tuple({str(ROOT), *([str(Path.home())] if len(Path.home().parts) > 2 else [])}),
    )


def floors_of(wheel: str) -> Mapping[str, tuple[int, ...]]:
    """Return the versions that the wheel's tag promises: of symbols, or of macOS; empty for other tags."""
    if macos := re.search(r"macosx_(\d+)_(\d+)_", wheel):
        return {"macOS": (int(macos[1]), int(macos[2]))}
    found = {(int(major), int(minor)) for major, minor in re.findall(r"manylinux_(\d+)_(\d+)_", wheel)}
    if unknown := found - set(FLOORS):
        names = ", ".join(f"manylinux_{major}_{minor}" for major, minor in sorted(unknown))
        raise ToolError(
            f"{wheel} is tagged {names}, for which the audit has no symbol versions.", fix="Add them to FLOORS."
        )
    return FLOORS[min(found)] if found else {}


def newest(libraries: Sequence[Library]) -> dict[str, str]:
    """Return the newest version of each family of symbols that any of `libraries` needs."""
    found: dict[str, tuple[int, ...]] = {}
    for version in (version for library in libraries for version in library.versions):
        family, _, number = version.rpartition("_")
        if family in FAMILIES and number.replace(".", "").isdigit():
            found[family] = max(found.get(family, ()), tuple(map(int, number.split("."))))
    return {family: ".".join(map(str, found[family])) for family in FAMILIES if family in found}


def one_base(libraries: Sequence[Library], expected: Expected) -> Iterator[Finding]:
    """Yield a finding if ggml-base is missing or there twice."""
    bases = [library.name for library in libraries if expected.stem(library).startswith("ggml-base")]
    if len(bases) != 1:
        yield Finding(
            rule="one ggml-base",
            file="the wheel",
            what=f"it has {len(bases)} libraries of ggml-base: {', '.join(bases) or 'none'}",
            fix="The core has one, plug-ins have none.",
        )


def licences(contents: Path, ours: Path = ROOT / "LICENSE", source: Path = SYNCED) -> Iterator[Finding]:
    """Yield a finding for each licence of included code that the unpacked wheel in `contents` lacks, word for word."""
    wanted = {"LICENSE": ours, "native/llama.cpp/LICENSE": source / "LICENSE"}
    for path in [*(source / "licenses").glob("*"), *(source / "vendor").rglob("LICENSE*")]:
        wanted[f"native/llama.cpp/{path.relative_to(source).as_posix()}"] = path
    (folder,) = contents.glob("*.dist-info")
    for name, path in wanted.items():
        carried = folder / "licenses" / name
        if not carried.is_file() or carried.read_bytes() != path.read_bytes():
            yield Finding(
                rule="licences",
                file="the wheel",
                what=f"it lacks {name}, or has another text for it",
                fix="project.license-files in packages/core/pyproject.toml says what the wheel carries.",
            )


def listed(path: Path) -> frozenset[str]:
    """Return the symbols of an export list."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if re.match(r"[A-Za-z_]", line))


def _level_file(level: str, libraries: Sequence[Library]) -> str:
    stem = f"ggml-cpu-{level}" if level else "ggml-cpu"
    return next((library.name for library in libraries if _plain(library.name) == stem), stem)


def _plain(name: str) -> str:
    stem = name
    for suffix in SUFFIXES:
        stem = stem.removesuffix(suffix)
    return stem.removeprefix("lib")


def not_looked_at(libraries: Sequence[Library]) -> Iterator[str]:
    """Yield a description of each part that the audit cannot judge."""
    for machine in sorted({library.machine for library in libraries}):
        if why := why_not(machine):
            yield f"instructions of {machine}: {why}"
    if any(CUSTOM in library.name for library in libraries):
        yield f"instructions of {CUSTOM}: whoever built it chose them"
