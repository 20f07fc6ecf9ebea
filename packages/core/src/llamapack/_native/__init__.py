"""Everything that touches C: the libraries, their functions, and who owns what they return.

_generated  ctypes declarations of llama.h, ggml, gguf.h, mtmd.h and llamapack.h.
library     Find, open and check the libraries of this wheel. Everything is opened by absolute path, and only once.
modules     Backend libraries: ask one for its score, or register it with ggml.
owner       Own native objects: free each once, when its owner is closed or gone and nothing uses it any more.
calls       Long calls that may call Python back. None may be left when the interpreter goes: it would end the calling t
callbacks   Let C ask Python without losing an exception: what a callback raises, Ctrl-C included, comes out after the c
log         llama.cpp's log lines, as records of the logger `llamapack.native`; silent until logging is configured.
watch       Watch the long calls of one context, so that Ctrl-C, another thread or a callback can stop them.
threadpool  Keep llama.cpp's worker threads from one token to the next; without a pool it starts new ones for each.
arrays      numpy arrays over native memory, which they keep from being freed.
"""

from __future__ import annotations

__all__ = ["arrays", "callbacks", "calls", "library", "log", "modules", "owner", "threadpool", "watch"]
