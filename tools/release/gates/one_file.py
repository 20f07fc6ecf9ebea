"""Gates for one wheel or sdist: its metadata, licences, tags, contents, and which build its libraries are of."""

from __future__ import annotations

import json
import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from check_wheel_contents.checker import WheelChecker
from check_wheel_contents.checks import Check
from check_wheel_contents.contents import WheelContents
from check_wheel_contents.errors import WheelValidationError
from installer.exceptions import InstallerError
from installer.sources import WheelFile
from packaging.metadata import Metadata
from packaging.utils import parse_wheel_filename

from tools.errors import ToolError
from tools.release.distribution import Distribution, bill_of
from tools.release.gates.faults import Fault
from tools.release.versions import CORE_NAME, base_of, plug_in_pin

_LIBRARY = re.compile(r"(?:lib)?(?:ggml-base|ggml|llamapack)-(?P<id>[0-9a-f]{8})\.(?:so|dll|dylib)")
_BUILT_ANEW = "Build it anew from a clean checkout: nox -s wheel"


def broken_metadata(file: Distribution) -> Iterator[Fault]:
    """Yield faults of the metadata by the standard, and of the licence, which PEP 639 says how to state."""
    name = file.path.name
    try:
        metadata = Metadata.from_email(file.metadata_text, validate=True)
    except ExceptionGroup as group:  # noqa: F821 - the tools need Python 3.11
        for error in group.exceptions:
            yield Fault(gate="metadata", file=name, what=str(error), fix="Fix it in pyproject.toml of the package.")
        return
    if not metadata.license_expression:
        fix = 'Set license = "MIT" in pyproject.toml.'
        yield Fault(gate="licence", file=name, what="it has no License-Expression (PEP 639)", fix=fix)
    if not metadata.license_files:
        yield Fault(
            gate="licence", file=name, what="it names no licence file", fix="Set license-files in pyproject.toml."
        )
    if file.is_wheel:
        yield from missing_licences(file.path, metadata.license_files or [])


def missing_licences(path: Path, stated: list[str]) -> Iterator[Fault]:
    """Yield a fault for each licence file that the metadata name and the wheel does not have."""
    info = _info_folder(path)
    with zipfile.ZipFile(path) as archive:
        there = set(archive.namelist())
    for each in stated:
        if f"{info}/licenses/{each}" not in there:
            what = f"its metadata name the licence file {each}, which is not in it"
            yield Fault(gate="licence", file=path.name, what=what, fix=_BUILT_ANEW)


def broken_pins(file: Distribution) -> Iterator[Fault]:
    """Yield a fault for each package of this project that is not required as it must be, or not at all."""
    core = base_of(file.version)
    found: dict[str, set[str]] = {}
    for requirement in file.requirements:
        matched = re.match(r"(llamapack[a-z-]*)([^;]*)", requirement.replace(" ", ""))
        if matched:
            found.setdefault(matched[1], set()).add(_sorted(matched[2]))
    wanted = _sorted(plug_in_pin(core) if file.project == CORE_NAME else f"=={core}")
    for name, specifiers in found.items():
        for each in sorted(specifiers - {wanted}):
            what = f"it requires {name}{each}, which must be {name}{wanted}"
            yield Fault(gate="pins", file=file.path.name, what=what, fix="inv release.prepare sets the pins.")
    if file.project != CORE_NAME and CORE_NAME not in found:
        what = f"it does not require {CORE_NAME}"
        yield Fault(gate="pins", file=file.path.name, what=what, fix="inv release.prepare sets the pins.")


def _sorted(specifiers: str) -> str:
    return ",".join(sorted(specifiers.split(",")))


def broken_tags(path: Path) -> Iterator[Fault]:
    """Yield faults of a wheel's tags: other ones inside than in the name, plain linux, a build number."""
    _, _, build, tags = parse_wheel_filename(path.name)
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(f"{_info_folder(path)}/WHEEL").decode().splitlines()
    inside = {tag for line in lines if line.startswith("Tag: ") for tag in _expanded(line.removeprefix("Tag: "))}
    if inside != {str(tag) for tag in tags}:
        what = f"its file WHEEL has the tags {', '.join(sorted(inside)) or 'none'}"
        yield Fault(gate="tags", file=path.name, what=what, fix="Do not rename wheels; build them.")
    if build:
        what = f"it has the build number {''.join(map(str, build))}, which marks wheels for checks"
        yield Fault(gate="tags", file=path.name, what=what, fix="Take the wheel that was built on its own system.")
    for tag in sorted(tags, key=str):
        if tag.interpreter != "py3" or tag.abi != "none":
            what = f"its tag is {tag}; one wheel serves every Python of a platform, so it must be py3-none-…"
            yield Fault(gate="tags", file=path.name, what=what, fix=_BUILT_ANEW)
        if re.match(r"linux_", tag.platform):
            fix = "Package indexes refuse it. Build the portable one: LLAMAPACK_COMPILER=zig nox -s wheel"
            what = f"its platform is {tag.platform}, that of one machine only"
            yield Fault(gate="tags", file=path.name, what=what, fix=fix)


def broken_contents(path: Path, project: str) -> Iterator[Fault]:
    """Yield faults of what is in a wheel: RECORD against the files, files that do not belong there, and ABI ids."""
    try:
        with WheelFile.open(path) as wheel:
            wheel.validate_record(validate_contents=True)
    except (InstallerError, ValueError, KeyError) as error:
        issues = getattr(error, "issues", None) or [str(error)]
        what = f"its RECORD does not agree with its files: {'; '.join(issues)}"
        yield Fault(gate="contents", file=path.name, what=what, fix=_BUILT_ANEW)
    package = project.replace("-", "_")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    for name in names:
        if posixpath.isabs(name) or ".." in name.split("/") or "\\" in name:
            what = f"the file {name!r} would be written outside the folder of packages"
            yield Fault(gate="contents", file=path.name, what=what, fix=_BUILT_ANEW)
    for top in sorted({name.split("/")[0] for name in names} - {package, _info_folder(path)}):
        what = f"{top} does not belong into it"
        yield Fault(gate="contents", file=path.name, what=what, fix=f"A wheel has {package} and its .dist-info only.")
    yield from _unusual(path, package)
    yield from _broken_bill(path, project)
    ids = abi_ids(path)
    if len(ids) != 1:
        what = f"its libraries have {len(ids)} ABI ids: {', '.join(sorted(ids)) or 'none'}"
        fix = "Each wheel has those of one build. Remove what else lies in the package's folder lib, and build it anew."
        yield Fault(gate="contents", file=path.name, what=what, fix=fix)


def _broken_bill(path: Path, project: str) -> Iterator[Fault]:
    """Yield faults of the software bill of materials: there is none, it cannot be read, or it is another wheel's."""
    try:
        about = json.loads(bill_of(path))["metadata"]["component"]
        stated = about["name"], about["version"]
    except ToolError as error:
        yield Fault(gate="sbom", file=path.name, what=error.what, fix=error.fix)
    except (ValueError, KeyError, TypeError) as error:
        what = f"its bill of materials cannot be read: {error!r}"
        yield Fault(gate="sbom", file=path.name, what=what, fix=_BUILT_ANEW)
    else:
        if stated != (project, path.name.split("-")[1]):
            what = f"its bill of materials is that of {' '.join(stated)}"
            yield Fault(gate="sbom", file=path.name, what=what, fix=_BUILT_ANEW)


def _unusual(path: Path, package: str) -> Iterator[Fault]:
    """Yield what check-wheel-contents complains of: compiled files, copies, tests, modules without __init__.py."""
    checker = WheelChecker()
    # W004: libraries have names that cannot be imported, and PyInstaller's hooks are found by theirs.
    checker.configure_options(ignore={Check.W004}, toplevel=[package])
    try:
        failed = checker.check_contents(WheelContents.from_wheel(path))
    except WheelValidationError as error:
        yield Fault(gate="contents", file=path.name, what=" ".join(str(error).split()), fix=_BUILT_ANEW)
        return
    for each in failed:
        yield Fault(gate="contents", file=path.name, what=" ".join(each.show().split()), fix=_BUILT_ANEW)


def abi_ids(path: Path) -> frozenset[str]:
    """Return the ABI ids that a wheel of this project states and that its libraries have in their names."""
    found = set()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"llamapack\w*/lib/(abi|backend)\.json", name):
                found.add(_stated_id(archive.read(name), path))
            elif library := _LIBRARY.fullmatch(posixpath.basename(name)):
                found.add(library["id"])
    return frozenset(found)


def _stated_id(content: bytes, path: Path) -> str:
    try:
        return str(json.loads(content)["abi_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"{path.name} states no ABI id.", why=repr(error), fix=_BUILT_ANEW) from error


def _info_folder(path: Path) -> str:
    """Return the name of a wheel's .dist-info folder, which begins as the wheel's name does."""
    return "-".join(path.name.split("-")[:2]) + ".dist-info"


def _expanded(tag: str) -> list[str]:
    """Return each tag of a compressed set: py3-none-a.b is py3-none-a and py3-none-b."""
    interpreters, abis, platforms = (part.split(".") for part in tag.strip().split("-"))
    return [f"{one}-{two}-{three}" for one in interpreters for two in abis for three in platforms]
