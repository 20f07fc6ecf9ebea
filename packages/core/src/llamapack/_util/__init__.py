"""Helpers that have nothing to do with llama.cpp.

arguments     Checks of arguments that several modules need.
atomic_files  Write files atomically: completely, or not at all.
cache_folder  Where files are kept that can be made again.
cgroups       What Linux's control groups allow this process of a processor or of memory.
memory        How much memory of this machine may still be taken.
transfer_bar  Progress bars of downloads.
uncopyable    A base class for objects that cannot be copied or pickled.
"""

__all__ = ["arguments", "atomic_files", "cache_folder", "cgroups", "memory", "transfer_bar", "uncopyable"]
