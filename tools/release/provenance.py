"""What a release was made of, and how it was checked: build/release/release.json, and the same as a page.

The manifest is written before anything is uploaded, and is published beside the release. What it says of a file comes
from that file: its bytes, and the bill of materials in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from tools.errors import ToolError
from tools.matrix import Cell, Matrix
from tools.platforms.host import Host
from tools.release.distribution import Distribution, bill_of, read_distribution
from tools.util.atomic_files import write_text
from tools.verification.plan import why_not_built
from tools.verification.results import Result, strongest

SCHEMA = 1
Manifest = dict[str, Any]


def manifest(
    files: Iterable[Path],
    *,
    commit: str,
    matrix: Matrix,
    host: Host,
    results: Mapping[str, Sequence[Result]],
) -> Manifest:
    """Return the manifest of a release of `files`, wheels and sdists that were made from `commit`.

    `results` are the recorded checks, and `host` is the machine that would build what is not there. Raises ToolError
    for files of several versions, and for a wheel without its bill of materials.
    """
    read = sorted((read_distribution(path) for path in files), key=lambda each: each.path.name)
    versions = sorted({each.version.partition(".post")[0] for each in read})
    if len(versions) != 1:
        raise ToolError(f"These files are not one release: versions {', '.join(versions) or 'of nothing'}.")
    described = [_file(each, matrix, results) for each in read]
    cells = {each["cell"] for each in described}
    return {
        "schema": SCHEMA,
        "version": versions[0],
        "commit": commit,
        "files": described,
        "missing": [
            {"cell": cell.id, "reason": why_not_built(matrix, cell, host) or "It was not built for this release."}
            for cell in matrix.builds
            if cell.id not in cells
        ],
    }


def _file(found: Distribution, matrix: Matrix, results: Mapping[str, Sequence[Result]]) -> Manifest:
    about: Manifest = {
        "name": found.path.name,
        "project": found.project,
        "sha256": found.sha256,
        "bytes": found.path.stat().st_size,
        "cell": None,
    }
    if not found.is_wheel:
        return about
    text = bill_of(found.path)
    bill = json.loads(text)
    cell = cell_of(found, matrix)
    llama = next(each for each in bill["components"] if each["name"] == "llama.cpp")
    patches = [each for each in llama["components"] if each["type"] == "file"]
    return about | {
        "cell": cell.id,
        "sbom_sha256": sha256(text).hexdigest(),
        "llama_cpp": llama["version"],
        "patches": {each["name"]: each["hashes"][0]["content"] for each in patches},
        "built_with": {each["name"]: each["version"] for each in bill["metadata"]["tools"]["components"]},
        "checks": [asdict(each) | {"how": str(each.how)} for each in results.get(cell.id, ())],
        "checked": strongest(cell, results),
    }


def cell_of(wheel: Distribution, matrix: Matrix) -> Cell:
    """Return the cell of the matrix that a wheel is; raises ToolError if it is none of them."""
    tag = wheel.path.stem.rpartition("-")[2]
    backends = [each.name for each in matrix.backends.values() if each.wheel == wheel.project]
    for target in matrix.targets:
        system, _, processor = target.partition("-")
        own = tag == f"{system}_{processor}"  # built for the machine that it was built on
        if backends and (own or tag == matrix.wheel_tag(target)):
            return Cell(backend=backends[0], target=target)
    raise ToolError(f"{wheel.path.name} is no wheel of the matrix.", why=f"No target of {wheel.project} has its tag.")


def write(found: Manifest, folder: Path) -> tuple[Path, Path]:
    """Write release.json and release.md into `folder`; return both."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "release.json", folder / "release.md"
    write_text(paths[0], json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    write_text(paths[1], page(found))
    return paths


def page(found: Manifest) -> str:
    """Return the manifest as Markdown: what was built and how it was checked, and what was not built and why."""
    return "\n".join(_page(found)) + "\n"


def _page(found: Manifest) -> Iterator[str]:
    yield f"# llamapack {found['version']}"
    yield ""
    yield f"Made from commit `{found['commit']}`."
    yield ""
    yield "| file | MB | SHA-256 | checked |"
    yield "| --- | --- | --- | --- |"
    for each in found["files"]:
        checked = each.get("checked", "a source distribution")
        yield f"| `{each['name']}` | {each['bytes'] / 1e6:.1f} | `{each['sha256']}` | {checked} |"
    if found["missing"]:
        yield ""
        yield "## What is not in it"
        yield ""
        yield from (f"- `{each['cell']}`: {each['reason']}" for each in found["missing"])
