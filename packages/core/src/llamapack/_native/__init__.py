"""Everything that calls C: the libraries, their functions, and the ownership of what they return.

_generated  ctypes declarations of llama.h, ggml, gguf.h, mtmd.h and llamapack.h.
library     Find, open and check the libraries of this wheel. Each is opened by its absolute path, and only once.
modules     Backend libraries: get the score of one, or register it with ggml.
owner       Own native objects: each is freed once, after it was closed or garbage-collected and no call uses it.
exclusive   Allow one call at a time on an object that threads must not share.
calls       Count the long calls that may call Python back, and stop them when the interpreter exits.
callbacks   Python functions that C may call. An exception in one, such as Ctrl-C, is raised after the C call.
loading     Watch the loading of a model: its progress, and whether it is to stop.
log         llama.cpp's log lines, as records of the logger `llamapack.native`.
watch       Stop the long calls of a context: by Ctrl-C, from another thread, or by a callback.
threadpool  Keep llama.cpp's worker threads alive between tokens.
arrays      numpy arrays over native memory, which stays allocated as long as they exist.
"""

from __future__ import annotations

__all__ = [
    "arrays",
    "callbacks",
    "calls",
    "exclusive",
    "library",
    "loading",
    "log",
    "modules",
    "owner",
    "threadpool",
    "watch",
]
