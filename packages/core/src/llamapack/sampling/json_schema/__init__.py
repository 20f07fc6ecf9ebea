"""Convert JSON schemas to grammars.

compiling  Convert a JSON schema to a grammar of the JSON texts that it allows.
reading    Read the parts of a JSON schema, with a GrammarError for each that is invalid.
merging    Merge JSON schemas that must all hold into one.
objects    Rules for objects: keys in order, commas between them, and additional keys.
ranges     Expressions for numbers between two bounds, digit by digit.
patterns   Convert the regular expressions of JSON schemas to GBNF.
counts     Expressions for repetition.
rules      The rules of a grammar, collected while it is written.
"""

from __future__ import annotations

from llamapack.sampling.json_schema.compiling import Compiled, compile_schema

__all__ = ["Compiled", "compile_schema"]
