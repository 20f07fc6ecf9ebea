"""Methods and values of our Objective-C headers, and of Apple's metal-cpp, in one notation: metal-cpp's types.

The types are without `const`, which metal-cpp sets in other places, and without names of parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMMENT = re.compile(r"//[^\n]*")
BLOCK = re.compile(r"^@(?:interface|protocol) (\w+)[^;{]*?\n(.*?)^@end", re.MULTILINE | re.DOTALL)
METHOD = re.compile(r"^[-+] (\(.*?);", re.MULTILINE | re.DOTALL)
PROPERTY = re.compile(r"^@property(?: \(([\w, ]+)\))? (.*?)(\w+);", re.MULTILINE)
VALUE = re.compile(r"^static const \w+ (MTL\w+) = (\d+);", re.MULTILINE)
SELECTOR = re.compile(r'_PRIVATE_DEF_SEL\((\w+),\s*"([^"]+)"\)')
DEFINITION = re.compile(
    r"^_(?:MTL|NS)_INLINE (?:static )?([\w:*& ]+?) ?(MTL|NS)::(\w+)::~?\w+\(([^\n]*)\)(?: const)?\n\{\n([^\n]*)\n\}",
    re.MULTILINE,
)
ENUMERATION = re.compile(r"^_MTL_(?:ENUM|OPTIONS)\([^,]+, \w+\) \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"^\s+(\w+) = ([^,\n]+)", re.MULTILINE)
NAMES = {"id": "NS::Object*", "BOOL": "bool"}


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What a method returns, and its parameters in order."""

    returns: str
    parameters: tuple[str, ...]


def objective_c(header: str) -> dict[tuple[str, str], Signature]:
    """Return the signatures in the text of a header, by class or protocol and selector."""
    found = {}
    for name, body in BLOCK.findall(COMMENT.sub("", header)):
        for selector, signature in (*_methods(body), *_properties(body)):
            found[_namespaced(name), selector] = signature
    return found


def _methods(body: str) -> Iterator[tuple[str, Signature]]:
    for text in METHOD.findall(body):
        returns, rest = _parenthesised(text)
        selector, parameters = "", []
        while ":" in rest:
            word, _, rest = rest.partition(":")
            kind, rest = _parenthesised(rest)
            selector += f"{word.split()[-1]}:"
            parameters.append(_cpp(kind))
            rest = re.sub(r"^\s*\w+", "", rest)
        yield selector or rest.split()[0], Signature(returns=_cpp(returns), parameters=tuple(parameters))


def _properties(body: str) -> Iterator[tuple[str, Signature]]:
    for attributes, kind, name in PROPERTY.findall(body):
        yield name, Signature(returns=_cpp(kind), parameters=())
        if "readonly" not in attributes:
            yield f"set{name[0].upper()}{name[1:]}:", Signature(returns="void", parameters=(_cpp(kind),))


def _parenthesised(text: str) -> tuple[str, str]:
    """Return what is between the first parenthesis and the one that closes it, and what follows."""
    depth = 0
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == ")" and not depth:
            return text[text.index("(") + 1 : place], text[place + 1 :]
    raise AssertionError(f"no parentheses in {text}")


def _cpp(kind: str) -> str:
    """Return metal-cpp's spelling of an Objective-C type."""
    if "(^)" in kind:
        returns, parameters = kind.split("(^)")
        return (
            f"{_cpp(returns)}(^)({','.join(_cpp(re.sub(r'(?<=[ *])[a-z]+$', '', one)) for one in _listed(parameters))})"
        )
    plain = re.sub(r"\bid<(\w+)>", r"\1 *", kind).replace("[]", "*")
    plain = re.sub(r"\b(?:const|unsigned|__unsafe_unretained)\b|<.*>|\s", "", plain)
    word = plain.rstrip("*")
    return NAMES.get(word, _namespaced(word)) + plain.removeprefix(word)


def _namespaced(word: str) -> str:
    return re.sub(r"^(MTL|NS)(?=[A-Z])", r"\1::", word)


def _listed(parameters: str) -> list[str]:
    inside = parameters.strip().removeprefix("(").removesuffix(")")
    return inside.split(",") if inside else []


def metal_cpp(folder: Path) -> dict[tuple[str, str], set[Signature]]:
    """Return the signatures in metal-cpp's headers, by class and selector; some methods have two in C++."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.hpp"))]
    selectors = {symbol: name for text in texts for symbol, name in SELECTOR.findall(text)}
    found: dict[tuple[str, str], set[Signature]] = {}
    for text in texts:
        for returns, space, name, parameters, body in DEFINITION.findall(text):
            if sent := re.search(r"_PRIVATE_SEL\((\w+)\)", body):
                signature = Signature(returns=_plain(returns, space), parameters=tuple(_parameters(parameters, space)))
                found.setdefault((f"{space}::{name}", selectors[sent[1]]), set()).add(signature)
    return found


def _parameters(text: str, space: str) -> Iterator[str]:
    for one in re.split(r",(?![^()]*\))", text):
        if one.strip():
            yield _plain(re.sub(r"\(\^\w+\)", "(^)", one) if "(^" in one else re.sub(r"\w+$", "", one), space)


def _plain(kind: str, space: str) -> str:
    words = re.sub(r"\b(?:const|class)\b|\s", "", kind)
    return re.sub(r"(?<![:\w])(?=(?:UInteger|Integer|String|Array|Error|Dictionary|URL)\b)", f"{space}::", words)


def values(header: str) -> dict[str, int]:
    """Return the constants in the text of our header."""
    return {name: int(number) for name, number in VALUE.findall(header)}


def apples_values(folder: Path) -> dict[str, int]:
    """Return the constants of metal-cpp as Objective-C calls them."""
    found = {}
    for path in sorted(folder.rglob("MTL[A-Z]*.hpp")):
        for body in ENUMERATION.findall(path.read_text(encoding="utf-8")):
            for name, number in NUMBER.findall(body):
                if sum_ := re.fullmatch(r"(\d+)(?: << (\d+))?", number.strip()):
                    found[f"MTL{name}"] = int(sum_[1]) << int(sum_[2] or 0)
    return found
