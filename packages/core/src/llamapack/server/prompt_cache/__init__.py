"""Beginnings of prompts, kept on disk: what llama.cpp computed of them outlives its process.

prefixes  which beginnings a request's prompt has
keys      for which models a file is right, and for which there is no cache
entries   one file, and what is known of it
store     the folder with all files: bounded, private, the oldest go first
memory    what a runner has in its memory already
slots     the slots of a runner: which is free, which has answered
counts    what it has done, for Prometheus
cache     restores before a request, saves after it
"""

from __future__ import annotations

from llamapack.server.prompt_cache.cache import PromptCache
from llamapack.server.prompt_cache.store import Store

__all__ = ["PromptCache", "Store"]
