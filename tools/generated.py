"""Derived files. Each is made by one producer, and is stale if it differs from what the producer makes now.

To derive another file, add a producer to `PRODUCERS`. `nox -t gen` writes all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tools.bindgen.freshness import REGENERATE
from tools.errors import ToolError
from tools.matrix import load_matrix
from tools.paths import ROOT, SYNCED
from tools.util.atomic_files import write_text
from tools.verification.matrix_page import page, results_table
from tools.verification.results import PAGE, README, read_results

FIX = f"Run: {REGENERATE}"
TABLE = re.compile(r"(<!-- proven: [^\n]*-->\n\n).*?(<!-- /proven -->)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Producer:
    """What makes some derived files: `make` returns their text by path.

    `source` is what a developer edits to change them. `missing` returns what `make` needs and does not have, or "".
    """

    source: str
    make: Callable[[], Mapping[Path, str]]
    missing: Callable[[], str] = lambda: ""


def matrix_page() -> dict[Path, str]:
    """Make the documentation of the build matrix, and the README's table of results."""
    matrix, results = load_matrix(), read_results()
    table, readme = results_table(matrix, results), README.read_text(encoding="utf-8")
    text, found = TABLE.subn(lambda part: f"{part[1]}{table}\n{part[2]}", readme)
    if not found:
        raise ToolError(f"{README.name} has no place for the table of results.", fix="Put <!-- proven: --> back.")
    return {PAGE: page(matrix, results), README: text}


def bindings() -> dict[Path, str]:
    """Make the declarations of llama.cpp's C interface, the ABI table and the export lists."""
    from tools.bindgen import generate

    return generate()


def architectures() -> dict[Path, str]:
    """Make the list of the architectures that llama.cpp knows."""
    from tools.bindgen.architectures import generate_architectures

    return generate_architectures()


def source_missing() -> str:
    """Return what is missing here to read llama.cpp's source; empty if nothing is."""
    return "" if SYNCED.is_dir() else "there is no synced llama.cpp source (inv vendor.sync)"


def bindings_missing() -> str:
    """Return what is missing here to generate the bindings; empty if nothing is."""
    if find_spec("clang") is None:
        return "libclang is not installed in this environment (requirements/bindgen.txt)"
    return source_missing()


PRODUCERS: tuple[Producer, ...] = (
    Producer(source="matrix.toml and results.json", make=matrix_page),
    Producer(source="llama.cpp's headers", make=bindings, missing=bindings_missing),
    Producer(source="llama.cpp's table of architectures", make=architectures, missing=source_missing),
)


def stale(producers: Sequence[Producer] = PRODUCERS) -> dict[Path, str]:
    """Return the text of the stale or missing files; producers that miss something here are left out."""
    made = [producer.make() for producer in producers if not producer.missing()]
    return {path: text for files in made for path, text in files.items() if _read(path) != text}


def write(producers: Sequence[Producer] = PRODUCERS) -> list[Path]:
    """Write the stale files and return their paths. A file that is right already is not touched."""
    found = stale(producers)
    for path, text in found.items():
        write_text(path, text)
    return list(found)


def left_out(producers: Sequence[Producer] = PRODUCERS) -> dict[str, str]:
    """Return the sources whose files cannot be made here, each with the reason."""
    return {producer.source: reason for producer in producers if (reason := producer.missing())}


def require_fresh(producers: Sequence[Producer] = PRODUCERS, root: Path = ROOT) -> None:
    """Raise ToolError for stale derived files; it names each, its source, and the command that updates them."""
    for producer in producers:
        if found := stale([producer]):
            names = ", ".join(sorted(path.relative_to(root).as_posix() for path in found))
            raise ToolError(f"{names}: not made from {producer.source} as it is now.", fix=FIX)


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None


if __name__ == "__main__":
    print(*write(), sep="\n")
