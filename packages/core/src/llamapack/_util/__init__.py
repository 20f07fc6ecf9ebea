"""Helpers that have nothing to do with llama.cpp.

arguments     Checks of arguments that several modules need.
atomic_files  Write files atomically: completely, or not at all.
uncopyable    A base class for objects that cannot be copied or pickled.
"""

__all__ = ["arguments", "atomic_files", "uncopyable"]
