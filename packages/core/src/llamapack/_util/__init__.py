"""Helpers that know nothing of llama.cpp.

arguments     Checks of arguments that several modules make.
atomic_files  Files that are written as a whole, or not at all.
uncopyable    Objects that cannot be copied, as files and locks cannot.
"""

__all__ = ["arguments", "atomic_files", "uncopyable"]
