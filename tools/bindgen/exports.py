"""The exported symbols of each library: declared for export in a header, and defined in a source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tools.bindgen.headers import OWN_HEADER, RUNNER_HEADER
from tools.bindgen.sources import without_comments
from tools.errors import ToolError

LIBRARIES = ("ggml-base", "ggml", "llamapack")

_MARKED = re.compile(r"\b(?:GGML|GGML_BACKEND|LLAMA|MTMD|LLAMAPACK)_API\b(?:\s*DEPRECATED\()?[^;{}()]*?\b(\w+)\s*\(")
_STRING = re.compile(r"\"(?:\\.|[^\"\\\n])*\"")
_CONDITION = re.compile(r"#\s*(ifdef|ifndef|if|elif|else|endif)\b(.*)")


def find_exports(source: Path, libraries: Mapping[str, str]) -> Mapping[str, Sequence[str]]:
    """Return the sorted symbols of each of our libraries.

    C++ functions are left out, because C++ objects must not cross between libraries, and so are functions without a
    definition, which a .def file must not contain.
    """
    exported: dict[str, set[str]] = {library: set() for library in LIBRARIES}
    for path in searched_headers(source):
        for name in exported_names(path.read_text(encoding="utf-8")):
            library = "llamapack" if path in (OWN_HEADER, RUNNER_HEADER) else libraries.get(name)
            if library in exported:
                exported[library].add(name)
    return {library: sorted(names) for library, names in exported.items()}


def check_exported(bound: Mapping[str, str], exports: Mapping[str, Sequence[str]]) -> None:
    """Raise ToolError if the bindings have functions that no library exports."""
    missing = sorted(name for name, library in bound.items() if name not in set(exports[library]))
    if missing:
        raise ToolError(
            f"Functions are bound that their library does not export: {', '.join(missing)}.",
            why="Their declarations lack upstream's export mark, or stand in a header that is not searched.",
            fix="See tools/bindgen/exports.py.",
        )


def exported_names(header: str) -> list[str]:
    """Return the C functions that the text of a header marks for export, in order."""
    text = "\n".join(_c_lines(without_comments(header)))
    return [match[1] for match in _MARKED.finditer(_STRING.sub('""', text))]


def searched_headers(source: Path) -> Iterable[Path]:
    """Yield the headers that are searched for export marks."""
    ggml, mtmd = source / "ggml", source / "tools" / "mtmd"
    yield from sorted((ggml / "include").glob("*.h"))
    yield from sorted((ggml / "src").glob("*.h"))
    yield from (source / "include" / "llama.h", mtmd / "mtmd.h", mtmd / "mtmd-helper.h", OWN_HEADER, RUNNER_HEADER)


def _c_lines(text: str) -> Iterator[str]:
    """Yield the lines that a C compiler would see, without the preprocessor's own."""
    stack: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        stripped = line.strip()
        if match := _CONDITION.match(stripped):
            _step(stack, match[1], match[2])
        elif not stripped.startswith("#") and "c++" not in stack:
            yield line


def _step(stack: list[str], directive: str, condition: str) -> None:
    if directive.startswith("if"):
        cplusplus = "__cplusplus" in condition
        stack.append(("c" if directive == "ifndef" else "c++") if cplusplus else "other")
    elif directive == "endif":
        stack.pop()
    elif directive == "else":
        stack[-1] = {"c++": "c", "c": "c++"}.get(stack[-1], "other")
