"""JSON schemas, as grammars.

compiling  From a JSON schema to a grammar of the JSON texts that it allows.
reading    Read the parts of a JSON schema, and say where one is not what it must be.
merging    Merge JSON schemas that must all hold into one.
objects    Objects: keys in their order, commas between them, and any other keys.
ranges     Numbers between two bounds, as GBNF: what can stand at each digit.
patterns   The regular expressions of JSON schemas, in GBNF.
counts     How often something is repeated, in GBNF.
rules      The rules of a grammar that is being written, in GBNF.
"""

from __future__ import annotations

from llamapack.sampling.json_schema.compiling import Compiled, compile_schema

__all__ = ["Compiled", "compile_schema"]
