"""Evaluate a `#define` that is a constant: a number, a string, or a simple expression of them."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence

from tools.bindgen.model import Value

_INTEGER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)[uUlL]*")
_FLOAT = re.compile(r"((?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?)[fFlL]?")
_OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.BitOr: operator.or_,
    ast.LShift: operator.lshift,
}


def evaluate(words: Sequence[str], known: Mapping[str, Value]) -> Value | None:
    """Return the value of a macro's tokens; None if it is not a constant (a function, an attribute, empty)."""
    if len(words) == 1 and words[0].startswith('"'):
        return str(ast.literal_eval(words[0]))
    parts = [_part(word, known) for word in words]
    if not parts or None in parts:
        return None
    try:
        return _compute(ast.parse("".join(str(part) for part in parts), mode="eval").body)
    except (SyntaxError, ValueError):
        return None


def _part(word: str, known: Mapping[str, Value]) -> str | None:
    if word in ("(", ")", "+", "-", "*", "|", "<<"):
        return word
    if match := _INTEGER.fullmatch(word):
        digits = match[1]
        octal = digits.startswith("0") and digits.isdigit()
        return str(int(digits, 8) if octal else int(digits, 0))
    if match := _FLOAT.fullmatch(word):
        return repr(float(match[1]))
    return repr(known[word]) if word in known else None


def _compute(node: ast.expr) -> Value:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _compute(node.operand)
        if not isinstance(value, str):
            return -value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _compute(node.left), _compute(node.right)
        if isinstance(left, int) and isinstance(right, int):
            return _OPERATORS[type(node.op)](left, right)
    raise ValueError(ast.dump(node))
