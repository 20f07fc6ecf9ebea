"""Find the library that defines each function, by searching upstream's sources.

A declaration does not tell the library of a function; the file with its definition does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

# A definition starts at the beginning of a line, and its parameters are followed by a body.
_DEFINITION = re.compile(
    r"^(?:extern \"C\" )?"
    r"(?!(?:return|else|if|for|while|switch|typedef|using|namespace)\b)"
    r"[A-Za-z_][^;{}()=#\"]*?\b(\w+)\s*"
    r"\((?:[^;{}()]|\([^;{}()]*\))*\)\s*\{",
    re.MULTILINE,
)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)
_GGML = frozenset({"ggml-backend-reg.cpp", "ggml-backend-dl.cpp"})


def find_libraries(source: Path) -> Mapping[str, str]:
    """Map every function defined in the tree at `source` to its library: ggml-base, ggml, module or llamapack.

    `module` is the CPU backend, whose functions can only be reached through the loaded module.
    """
    found: dict[str, str] = {}
    for path, library in _files(source):
        for match in _DEFINITION.finditer(without_comments(path.read_text(encoding="utf-8"))):
            found.setdefault(match[1], library)
    return found


def without_comments(text: str) -> str:
    """Return C text with its comments replaced by blanks; comment marks in strings are kept."""
    return _COMMENT.sub(lambda match: match[0] if match[0].startswith('"') else " ", text)


def _files(source: Path) -> Iterator[tuple[Path, str]]:
    ggml = source / "ggml" / "src"
    for path in _code(ggml):
        yield path, "ggml" if path.name in _GGML else "ggml-base"
    for path in (*_code(ggml / "ggml-cpu"), *_code(ggml / "ggml-cpu", "**/")):
        yield path, "module"
    for path in (*_code(source / "src", "**/"), *_code(source / "tools" / "mtmd", "**/")):
        yield path, "llamapack"


def _code(folder: Path, depth: str = "") -> list[Path]:
    return sorted(path for path in folder.glob(f"{depth}*") if path.suffix in (".c", ".cpp"))
