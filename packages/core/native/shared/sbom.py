"""Write the software bill of materials of a wheel: what is in it, from where, and what it was compiled with.

The form is CycloneDX 1.6; PEP 770 says where a wheel has it. CMake runs this with any Python and the standard library
alone, so that wheels built from a source distribution have one too. The same inputs give the same bytes: there is no
date, no path and no random serial number in it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Object = dict[str, Any]
UPSTREAM = "https://github.com/ggml-org/llama.cpp"
SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"


@dataclass(frozen=True)
class Vendored:
    """A library in llama.cpp's source tree that others wrote."""

    name: str
    licence: str
    """An SPDX expression, or a text in quotes where SPDX has no name for it."""
    origin: str
    version_file: str = ""
    """The file that tells the version, from the library's folder; some have none."""
    version: str = ""
    """A regular expression whose groups are the parts of the version."""


VENDORED = {
    "vendor/cpp-httplib": Vendored(
        "cpp-httplib", "MIT", "https://github.com/yhirose/cpp-httplib", "httplib.h", r'CPPHTTPLIB_VERSION "([\d.]+)"'
    ),
    "vendor/hash/rotate-bits": Vendored("rotate-bits", "MIT", "https://github.com/jb55/rotate-bits.h"),
    "vendor/hash/sha1": Vendored("sha1", "'public domain'", "https://github.com/clibs/sha1"),
    "vendor/hash/sha256": Vendored("sha256", "'public domain'", "https://github.com/jb55/sha256.c"),
    "vendor/hash/xxhash": Vendored(
        "xxHash",
        "BSD-2-Clause",
        "https://github.com/Cyan4973/xxHash",
        "xxhash.h",
        r"define XXH_VERSION_MAJOR +(\d+)\s+#define XXH_VERSION_MINOR +(\d+)\s+#define XXH_VERSION_RELEASE +(\d+)",
    ),
    "vendor/miniaudio": Vendored(
        "miniaudio",
        "Unlicense OR MIT-0",
        "https://github.com/mackron/miniaudio",
        "miniaudio.h",
        r"miniaudio - v([\d.]+)",
    ),
    "vendor/nlohmann": Vendored(
        "JSON for Modern C++",
        "MIT",
        "https://github.com/nlohmann/json",
        "json.hpp",
        r"define NLOHMANN_JSON_VERSION_MAJOR (\d+)[^\n]*\n#define NLOHMANN_JSON_VERSION_MINOR (\d+)[^\n]*\n"
        r"#define NLOHMANN_JSON_VERSION_PATCH (\d+)",
    ),
    "vendor/sheredom": Vendored("subprocess.h", "Unlicense", "https://github.com/sheredom/subprocess.h"),
    "vendor/stb": Vendored(
        "stb_image", "MIT OR Unlicense", "https://github.com/nothings/stb", "stb_image.h", r"stb_image - v([\d.]+)"
    ),
    "ggml/src/ggml-cpu/llamafile": Vendored("llamafile sgemm", "MIT", "https://github.com/mozilla-ai/llamafile"),
}
"""By folder of llama.cpp's source. Those under vendor/ must be all that are there."""


class UnknownError(Exception):
    """The source has something that this file does not know."""


def bill(
    *,
    project: Object,
    manifest: Object,
    source: Path,
    tools: Sequence[Sequence[str]] = (),
    parts: Sequence[Sequence[str]] = (),
    page: Path | None = None,
    facts: Sequence[Sequence[str]] = (),
) -> Object:
    """Return the bill of one wheel.

    `project` is the section of pyproject.toml and `manifest` that of llama.cpp's copied `source`. `tools` are compilers
    and the like, with versions; `parts` what else is compiled in, with version and licence; `page` a folder with
    packages.json, and `facts` names and values such as the target. Raises UnknownError for a library in the source that
    VENDORED does not name.
    """
    wheel = f"pkg:pypi/{project['name']}@{project['version']}"
    llama = _llama(manifest, source)
    compiled = [llama, *(_part(*part) for part in parts), *_npm(page)]
    needed = list(_requirements(project))
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [_component("application", name, version) for name, version in tools]},
            "component": {
                **_component("library", project["name"], project["version"]),
                "bom-ref": wheel,
                "purl": wheel,
                "description": project["description"],
                "licenses": _licences(project["license"]),
            },
            "properties": [{"name": f"llamapack:{name}", "value": value} for name, value in facts],
        },
        "components": [*compiled, *needed],
        "dependencies": [
            {"ref": wheel, "dependsOn": sorted({each["bom-ref"] for each in (*compiled, *needed)})},
        ],
    }


def _llama(manifest: Object, source: Path) -> Object:
    commit, tree, patches = manifest["commit"], manifest["tree"], manifest["patches"]
    purl = f"pkg:github/ggml-org/llama.cpp@{commit}"
    files = [
        {
            **_component("file", f"patches/{patch['name']}"),
            "bom-ref": f"patch:{patch['name']}",
            "hashes": [{"alg": "SHA-256", "content": patch["sha256"]}],
        }
        for patch in patches
    ]
    return {
        **_component("library", "llama.cpp", commit),
        "bom-ref": purl,
        "purl": purl,
        "licenses": _licences("MIT"),
        "externalReferences": [{"type": "vcs", "url": UPSTREAM}],
        "pedigree": {
            "commits": [{"uid": commit, "url": f"{UPSTREAM}/commit/{commit}"}],
            "notes": f"Git's id of the tree is {tree}; {len(patches)} patches of llamapack are applied to it.",
        },
        "components": [*_vendored(source), *files],
    }


def _vendored(source: Path) -> Iterator[Object]:
    for folder in sorted(_vendor_folders(source)):
        if folder not in VENDORED:
            raise UnknownError(f"{folder} is not in VENDORED, so its name, licence and version are not known.")
    for folder, library in VENDORED.items():
        if (source / folder).is_dir():
            yield {
                **_component("library", library.name, _version(source / folder, library)),
                "bom-ref": f"llama.cpp/{folder}",
                "licenses": _licences(library.licence),
                "externalReferences": [{"type": "website", "url": library.origin}],
            }


def _vendor_folders(source: Path) -> Iterator[str]:
    """Yield the folders under vendor/ that hold a library; some hold a few of them."""
    for folder in (path for path in source.glob("vendor/*") if path.is_dir()):
        inner = [path for path in folder.iterdir() if path.is_dir()]
        yield from (path.relative_to(source).as_posix() for path in inner or [folder])


def _version(folder: Path, library: Vendored) -> str:
    if not library.version_file:
        return ""
    text = (folder / library.version_file).read_text(encoding="utf-8", errors="replace")
    if not (found := re.search(library.version, text)):
        raise UnknownError(f"{folder.name}/{library.version_file} does not tell its version as VENDORED says.")
    return ".".join(found.groups())


def _part(name: str, version: str, licence: str) -> Object:
    return {
        **_component("library", name, version),
        "bom-ref": f"{name}@{version}",
        "licenses": _licences(licence),
    }


def _npm(page: Path | None) -> Iterator[Object]:
    """Yield the packages of which the web page has parts."""
    if page is None or not (file := page / "packages.json").is_file():
        return
    for package in json.loads(file.read_text(encoding="utf-8")):
        found = _component("library", package["name"], package["version"])
        if package["version"]:
            purl = f"pkg:npm/{quote(package['name'], safe='/')}@{package['version']}"
            yield {**found, "bom-ref": purl, "purl": purl, "licenses": _licences(package["licence"], known=False)}
        else:
            yield {**found, "bom-ref": f"llama.cpp/tools/ui/{package['name']}"}


def _requirements(project: Object) -> Iterator[Object]:
    """Yield the packages of Python that the wheel needs, and those of its extras; which version is pip's to choose."""
    wanted = [(text, "required", "") for text in project.get("dependencies", [])]
    for extra, texts in sorted(project.get("optional-dependencies", {}).items()):
        wanted += [(text, "optional", extra) for text in texts]
    by_name: dict[str, list[tuple[str, str, str]]] = {}
    for text, scope, extra in wanted:
        name = re.split(r"[^A-Za-z0-9._-]", text.strip(), maxsplit=1)[0].lower().replace("_", "-")
        by_name.setdefault(name, []).append((text, scope, extra))
    for name, found in sorted(by_name.items()):
        yield {
            **_component("library", name),
            "bom-ref": f"pkg:pypi/{name}",
            "purl": f"pkg:pypi/{name}",
            "scope": "required" if any(scope == "required" for _, scope, _ in found) else "optional",
            "properties": [
                {"name": f"llamapack:requires{f'[{extra}]' if extra else ''}", "value": text}
                for text, _, extra in found
            ],
        }


def _component(kind: str, name: str, version: str = "") -> Object:
    return {"type": kind, "name": name, **({"version": version} if version else {})}


def _licences(licence: str, *, known: bool = True) -> list[Object]:
    """Return a licence as CycloneDX has it: an SPDX expression, or the text of one that SPDX has no name for."""
    if known and not licence.startswith("'"):
        return [{"expression": licence}]
    return [{"license": {"name": licence.strip("'")}}]


def written(found: Object) -> str:
    """Return the text of the file."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def main(words: Sequence[str]) -> str:
    """Write the file that the command line `words` asks for; return what is wrong, or an empty text."""
    parser = argparse.ArgumentParser(description="Write the software bill of materials of a wheel.")
    parser.add_argument("--project", type=Path, required=True, help="pyproject.toml")
    parser.add_argument("--source", type=Path, required=True, help="llama.cpp's copied source, with its manifest")
    parser.add_argument("--page", type=Path, help="the folder of the built web page")
    parser.add_argument("--tool", action="append", default=[], help="NAME=VERSION")
    parser.add_argument("--part", action="append", default=[], help="NAME=VERSION=LICENCE")
    parser.add_argument("--fact", action="append", default=[], help="NAME=VALUE")
    parser.add_argument("--output", type=Path, required=True)
    told = parser.parse_args(words)
    try:
        found = bill(
            project=tomllib.loads(told.project.read_text(encoding="utf-8"))["project"],
            manifest=json.loads((told.source / "llamapack-manifest.json").read_text(encoding="utf-8")),
            source=told.source,
            tools=[_taken_apart(each, 2) for each in told.tool],
            parts=[_taken_apart(each, 3) for each in told.part],
            page=told.page,
            facts=[_taken_apart(each, 2) for each in told.fact],
        )
    except UnknownError as error:
        return f"The bill of materials cannot be written: {error}\nAdd it to native/shared/sbom.py, and try again."
    told.output.write_text(written(found), encoding="utf-8", newline="\n")
    return ""


def _taken_apart(text: str, count: int) -> list[str]:
    return text.split("=", count - 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
