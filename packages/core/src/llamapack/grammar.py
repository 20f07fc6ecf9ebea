"""Grammars that constrain what is generated; the code is in `llamapack.sampling.grammar`."""

from __future__ import annotations

from llamapack.sampling.grammar import Grammar

__all__ = ["Grammar"]
