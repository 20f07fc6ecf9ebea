"""The bindings generator: llama.cpp's headers in; ctypes declarations, ABI table and export lists out.

generate       The bindings generator: llama.cpp's headers in; ctypes declarations, ABI table and export lists out.
headers        Which headers are bound, how much of each, and the standard headers that they include.
parse          Read C headers with libclang.
macros         The value of a `#define` that is a constant: a number, a string, or a simple expression of them.
types          From libclang's types to ours. Sugar matters: `int64_t` must stay 64 bits wide where `long` is not.
model          What a C header declares, as plain data: the parser makes it, the writers read it.
sources        Where upstream defines its functions, found by looking at the text of its sources.
select         Choose what is bound: the functions that users need and that a library defines, and every type they touch
order          In which order declarations are written, and which of them the library is asked about.
naming         How C's names are spelled in Python.
digest         Tell without libclang which headers the bindings were made from.
python_writer  Write `_generated.py`: the declarations as ctypes sees them.
stub_writer    Write `_generated.pyi`: the same declarations as type checkers see them.
abi_writer     Write `abi_table.cpp`: what the compiler makes of the same declarations, to compare with the bindings.
exports        The exported symbols of each library: what its headers declare for export and its sources define.
freshness      Return whether the bindings were made from the headers that are built.
"""

from __future__ import annotations

from tools.bindgen.generate import generate

__all__ = ["generate"]
