"""The version of this project: read it, and set it in every package with the pins between them.

All packages have one version. Only a plug-in may be a post-release of it, such as 0.1.0.post1, which is built for the
core 0.1.0: its own file was wrong, and the core's libraries are as they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError, valid
from tools.paths import Checkout
from tools.util.atomic_files import write_text
from tools.util.toml_table import read_toml

CORE_NAME = "llamapack"
VERSION = re.compile(
    r"(?P<final>(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*))"
    r"(?:(?:a|b|rc)(?:0|[1-9]\d*))?(?P<post>\.post(?:0|[1-9]\d*))?(?P<dev>\.dev(?:0|[1-9]\d*))?"
)
"""The versions that are used here, a part of what PEP 440 allows: 0.2.0, 0.2.0rc1, 0.2.0.post1, 0.2.0.dev0."""
_OWN_VERSION = re.compile(r'(?m)^version = "(?P<version>[^"]+)"$')
_PIN = re.compile(r"(?P<name>llamapack(?:-[a-z]+)?)(?P<specifier>(?:[=<>~!]=?[^\s\";,]+,?)+)")


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package of this project as its pyproject.toml has it; `pins` maps others of the project to specifiers."""

    name: str
    version: str
    file: Path
    pins: Mapping[str, str]


def require_version(text: str) -> str:
    """Return `text` if it is a version that a package here may have; raises ToolError otherwise."""
    if not VERSION.fullmatch(text):
        raise ToolError(
            f"{text!r} is no version of this project.",
            fix="Versions are X.Y.Z, such as 0.2.0, and 0.2.0rc1, 0.2.0.post1 and 0.2.0.dev0.",
        )
    return text


def is_development(version: str) -> bool:
    """Return whether a version is one that is never released: it ends with .devN."""
    found = VERSION.fullmatch(version)
    return bool(found and found["dev"])


def base_of(version: str) -> str:
    """Return the core's version that a version belongs to: 0.1.0 for 0.1.0.post1."""
    return re.sub(r"\.post\d+", "", version)


def next_development(version: str) -> str:
    """Return the version that work goes on with after `version`: 0.1.1.dev0 after 0.1.0, 0.2.0.dev0 after 0.2.0rc1."""
    found = VERSION.fullmatch(require_version(version))
    assert found
    if found["final"] != base_of(version):
        return f"{found['final']}.dev0"
    major, minor, patch = found["final"].split(".")
    return f"{major}.{minor}.{int(patch) + 1}.dev0"


def plug_in_pin(version: str) -> str:
    """Return how the core pins its plug-ins of `version`, which allows post-releases of one: >=0.1.0,<0.1.1.

    `==0.1.0` would refuse 0.1.0.post1, and `==0.1.*` would take 0.1.1, which is of another build. Of a pre-release or
    of a version for development, only that one fits.
    """
    found = VERSION.fullmatch(require_version(version))
    assert found
    if found["final"] != version:
        return f"=={version}"
    major, minor, patch = found["final"].split(".")
    return f">={version},<{major}.{minor}.{int(patch) + 1}"


def project_files(checkout: Checkout) -> tuple[Path, ...]:
    """Return the pyproject.toml of every package, the core's first."""
    others = sorted((checkout.root / "packages").glob("backend-*/pyproject.toml"))
    return (checkout.core / "pyproject.toml", *others)


def read_packages(checkout: Checkout) -> tuple[Package, ...]:
    """Return every package of the checkout, the core first."""
    return tuple(_read_package(path) for path in project_files(checkout))


def project_version(checkout: Checkout | None = None) -> str:
    """Return the version of the project, which is the core's."""
    return read_packages(checkout or Checkout())[0].version


def inconsistent(checkout: Checkout) -> Iterator[str]:
    """Yield, in words, each version or pin that does not belong to the core's version."""
    core, *plugins = read_packages(checkout)
    for plugin in plugins:
        place = plugin.file.relative_to(checkout.root).as_posix()
        if base_of(plugin.version) != core.version:
            yield f"{place}: version is {plugin.version}, and llamapack's is {core.version}"
        if plugin.pins != {CORE_NAME: f"=={core.version}"}:
            yield f"{place}: it must require {CORE_NAME}=={core.version}, and requires {_spelled(plugin.pins)}"
    wanted = {plugin.name: plug_in_pin(core.version) for plugin in plugins}
    if core.pins != wanted:
        place = core.file.relative_to(checkout.root).as_posix()
        yield f"{place}: it must require {_spelled(wanted)}, and requires {_spelled(core.pins)}"


def set_version(checkout: Checkout, version: str) -> tuple[Path, ...]:
    """Give all packages `version`, with the pins that belong to it; return the files that changed.

    Raises ToolError for a post-release, which only one plug-in can be: see `set_plugin_version`.
    """
    if base_of(require_version(version)) != version:
        raise ToolError(
            f"{version} is a post-release, which only a plug-in can be.",
            why="The plug-ins require the core of exactly one version, so that all are of one build.",
            fix=f"Name the plug-in: inv release.prepare {version} --plugin vulkan",
        )
    changed = []
    for path in project_files(checkout):
        text = path.read_text(encoding="utf-8")
        new = with_version(text, version, path)
        if new != text:
            write_text(path, new)
            changed.append(path)
    return tuple(changed)


def set_plugin_version(checkout: Checkout, plugin: str, version: str) -> tuple[Path, ...]:
    """Give one plug-in a post-release of the core's version, such as 0.1.0.post1; its pin of the core stays."""
    core, *others = read_packages(checkout)
    files = {package.name.removeprefix(f"{CORE_NAME}-"): package.file for package in others}
    if plugin not in files:
        raise ToolError(f"{plugin!r} is no plug-in.", fix=valid("plug-ins", files))
    if base_of(require_version(version)) != core.version or version == core.version:
        raise ToolError(
            f"{version} is no post-release of llamapack {core.version}.",
            fix=f"The first one is {core.version}.post1.",
        )
    text = files[plugin].read_text(encoding="utf-8")
    write_text(files[plugin], _with_own_version(files[plugin], text, version))
    return (files[plugin],)


def with_version(text: str, version: str, path: Path) -> str:
    """Return the text of a pyproject.toml with `version`, and the pins of that version; `path` is for messages."""
    return _with_own_version(path, _PIN.sub(lambda found: _pinned(found["name"], version), text), version)


def _pinned(name: str, version: str) -> str:
    return f"{name}=={version}" if name == CORE_NAME else f"{name}{plug_in_pin(version)}"


def _with_own_version(path: Path, text: str, version: str) -> str:
    new, count = _OWN_VERSION.subn(f'version = "{version}"', text)
    if count != 1:
        raise ToolError(f"{path} has {count} lines `version = …`.", fix="It must have one, in [project].")
    return new


def _read_package(path: Path) -> Package:
    project = read_toml(path).table("project")
    extras = project.table_or_empty("optional-dependencies")
    wanted = [*project.texts_or_empty("dependencies"), *(each for extra in extras.data for each in extras.texts(extra))]
    pins: dict[str, str] = {}
    for requirement in wanted:
        if found := _PIN.match(requirement):
            # A package may be required in several places; a pin that differs there is shown as a list.
            known = pins.get(found["name"], found["specifier"])
            pins[found["name"]] = known if known == found["specifier"] else f"{known} and {found['specifier']}"
    return Package(name=project.text("name"), version=require_version(project.text("version")), file=path, pins=pins)


def _spelled(pins: Mapping[str, str]) -> str:
    return ", ".join(f"{name}{specifier}" for name, specifier in sorted(pins.items())) or "none of them"
