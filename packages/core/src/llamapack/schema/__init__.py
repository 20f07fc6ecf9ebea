"""JSON schemas, made ready for llama.cpp to turn them into grammars."""

from __future__ import annotations

from llamapack.schema.rewriting import Prepared, prepare

__all__ = ["Prepared", "prepare"]
