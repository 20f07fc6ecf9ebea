"""The notices of the web page: every package of which a part is in it, with its licence.

Which packages those are is not guessed from dependencies, of which the page has a thousand that only build it. Vite
writes down the modules that it put into the page; workbox's parts name themselves in the service worker, and bring what
they depend on; and llama.cpp's tree holds some libraries itself. What a package had copied into its own files before it
was published is for its own licence file to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.errors import ToolError

ALWAYS = ("vite", "vite-plugin-pwa", "@tailwindcss/forms", "@tailwindcss/typography")
"""They write code or styles of their own into pages, which are no modules of any package."""
VENDORED = Path("src") / "lib" / "vendors"
_MODULES = "node_modules"
_WORKBOX = re.compile(r"workbox:([a-z-]+):[\d.]+")
_LICENCE = re.compile(r"(licen[cs]e|copying|notice|unlicense)", re.IGNORECASE)
_HEAD = """The web page of llamapack is llama.cpp's (MIT; see llama.cpp's LICENSE), built with npm.
Parts of these packages are in it.
"""
_NO_FILE = "(The package has no licence file; its package.json states the licence above.)"


@dataclass(frozen=True)
class Package:
    """A package of npm, or a library in llama.cpp's tree, whose folder it is."""

    name: str
    version: str
    licence: str
    origin: str
    text: str


def packages(source: Path, modules: Path, built: Path) -> list[Package]:
    """Return the packages of the page in `built`, whose modules the file `modules` names, ordered by name."""
    folders = set(package_folders(source, json.loads(modules.read_text(encoding="utf-8"))))
    folders |= {source / _MODULES / name for name in ALWAYS}
    folders |= workbox_folders(source, built)
    found = {_read(folder, source) for folder in folders}
    found |= {_vendored(folder) for folder in (source / VENDORED).iterdir() if folder.is_dir()}
    return sorted(found, key=lambda each: (each.name, each.version))


def listed(packages: Iterable[Package]) -> str:
    """Return names, versions and licences of packages as JSON."""
    rows = [{"name": each.name, "version": each.version, "licence": each.licence} for each in packages]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def package_folders(source: Path, modules: Iterable[str]) -> Iterator[Path]:
    """Yield the folder of each module that is in a package."""
    root = source.as_posix()
    for module in modules:
        path = module.replace("\\", "/").lstrip("\0").partition("?")[0]
        head, found, tail = path.rpartition(f"/{_MODULES}/")
        if found and path.startswith(root):
            parts = tail.split("/")
            yield Path(head, _MODULES, *parts[: 2 if tail.startswith("@") else 1])


def workbox_folders(source: Path, built: Path) -> set[Path]:
    """Return the folders of workbox's packages in the service worker, and of what they depend on."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(built.glob("workbox-*.js")))
    wanted = [f"workbox-{name}" for name in _WORKBOX.findall(text)]
    found = set()
    while wanted:
        folder = source / _MODULES / wanted.pop()
        if folder not in found:
            found.add(folder)
            wanted += _metadata(folder).get("dependencies", {})
    return found


def _metadata(folder: Path) -> dict[str, Any]:
    held: dict[str, Any] = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    return held


def _read(folder: Path, source: Path) -> Package:
    """Read what a package says of itself; its version must be the locked one."""
    about = _metadata(folder)
    lock = json.loads((source / "package-lock.json").read_text(encoding="utf-8"))
    locked = lock["packages"][folder.relative_to(source).as_posix()]
    if locked["version"] != about["version"]:
        raise ToolError(f"{about['name']} {about['version']} is installed, and {locked['version']} is locked.")
    licence = about.get("license") or locked.get("license") or "see below"
    origin = about.get("repository") or about.get("homepage") or ""
    return Package(
        name=about["name"],
        version=about["version"],
        licence=licence if isinstance(licence, str) else str(licence.get("type", "see below")),
        origin=origin if isinstance(origin, str) else str(origin.get("url", "")),
        text=_licence_text(folder) or _NO_FILE,
    )


def _vendored(folder: Path) -> Package:
    text = _licence_text(folder)
    if not text:
        raise ToolError(f"{folder} has no licence file.", fix="Say in tools/building/notices.py what its licence is.")
    return Package(name=folder.name, version="", licence="see below", origin="in llama.cpp's tree", text=text)


def _licence_text(folder: Path) -> str:
    paths = [path for path in sorted(folder.iterdir()) if path.is_file() and _LICENCE.match(path.name)]
    texts = [path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").strip() for path in paths]
    return "\n\n".join(texts)


def notices(packages: Iterable[Package]) -> str:
    """Return the text of the notice file; packages with the same licence text share it."""
    by_text: dict[str, list[Package]] = {}
    for package in sorted(packages, key=lambda each: (each.name, each.version)):
        by_text.setdefault(package.text, []).append(package)
    parts = [_HEAD]
    for text, group in by_text.items():
        parts.append("-" * 80 + "\n" + "".join(map(_line, group)) + "\n" + text + "\n")
    return "\n".join(parts)


def _line(package: Package) -> str:
    about = f"{package.name} {package.version}".strip()
    return f"{about} ({package.licence}){f'  {package.origin}' if package.origin else ''}\n"
