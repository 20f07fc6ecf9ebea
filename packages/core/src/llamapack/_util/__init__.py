"""Helpers that know nothing of llama.cpp.

arguments     Checks of arguments that several modules make.
atomic_files  Files that are written as a whole, or not at all.
"""

__all__ = ["arguments", "atomic_files"]
