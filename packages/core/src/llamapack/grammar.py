"""Grammars that constrain the generated text; the implementation is in `llamapack.sampling.grammar`."""

from __future__ import annotations

from llamapack.sampling.grammar import Grammar

__all__ = ["Grammar"]
