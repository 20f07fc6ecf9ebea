"""Helpers that have nothing to do with llama.cpp.

arguments     Checks of arguments that several modules need.
atomic_files  Write files atomically: completely, or not at all.
cgroups       What Linux's control groups allow this process of a processor or of memory.
memory        How much memory this machine has, and how much of it may still be taken.
transfer_bar  Progress bars of downloads.
uncopyable    A base class for objects that cannot be copied or pickled.
user_folders  The user's folders for what can be made again, for what programs remember, and for settings.
"""

__all__ = ["arguments", "atomic_files", "cgroups", "memory", "transfer_bar", "uncopyable", "user_folders"]
