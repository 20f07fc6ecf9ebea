"""The bindings generator: writes ctypes declarations, an ABI table and export lists from llama.cpp's headers.

generate       Write all generated files: the entry point of this package.
headers        Which headers are bound, how much of each, and the standard headers that they include.
parse          Read C headers with libclang.
macros         Evaluate a `#define` that is a constant: a number, a string, or a simple expression of them.
types          Translate libclang's types to ours, without resolving typedefs such as `int64_t`.
model          What a C header declares, as plain data: the parser makes it, the writers read it.
sources        Find the library that defines each function, by searching upstream's sources.
select         Select what is bound: functions that users need and a library defines, and the types they use.
order          The order in which declarations are written, and which of them the library is asked about.
naming         How C's names are spelled in Python.
digest         A digest of the headers, to tell without libclang which ones the bindings were made from.
python_writer  Write `_generated.py`: the declarations for ctypes.
stub_writer    Write `_generated.pyi`: the declarations for type checkers.
abi_writer     Write `abi_table.cpp`: the layouts that the compiler uses, to compare with the bindings.
architectures  The list of the architectures that llama.cpp knows.
exports        The exported symbols of each library: declared for export in a header, and defined in a source.
freshness      Check whether the bindings were made from the headers that are built.
"""

from __future__ import annotations

from tools.bindgen.generate import generate

__all__ = ["generate"]
