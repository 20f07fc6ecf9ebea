"""JSON schemas, as grammars."""

from __future__ import annotations

from llamapack.sampling.json_schema.compiling import Compiled, compile_schema

__all__ = ["Compiled", "compile_schema"]
