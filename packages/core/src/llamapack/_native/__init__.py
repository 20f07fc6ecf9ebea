"""Everything that touches C: the libraries, their functions, and who owns what they return.

_generated  ctypes declarations of llama.h, ggml, gguf.h, mtmd.h and llamapack.h.
library     Find, open and check the libraries of this wheel. Each is opened by its absolute path, and only once.
modules     Backend libraries: ask one for its score, or register it with ggml.
owner       Own native objects: free each once, when it is closed or collected and nothing uses it any more.
exclusive   One call at a time on an object that threads must not share.
calls       Count the long calls that may call Python back, and stop them when the interpreter exits.
callbacks   Callbacks that C may call: what one raises, Ctrl-C included, is raised after the call.
log         llama.cpp's log lines, as records of the logger `llamapack.native`.
watch       Stop the long calls of a context: by Ctrl-C, from another thread, or by a callback.
threadpool  Keep llama.cpp's worker threads from one token to the next.
arrays      numpy arrays over native memory, which they keep from being freed.
"""

from __future__ import annotations

__all__ = ["arrays", "callbacks", "calls", "exclusive", "library", "log", "modules", "owner", "threadpool", "watch"]
