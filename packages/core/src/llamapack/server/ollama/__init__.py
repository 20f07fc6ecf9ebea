"""Ollama's interface, translated into llama.cpp's and back.

durations durations as Ollama's clients write them
options   Ollama's options as those of llama.cpp's requests
requests  requests for chats, texts and embeddings, as llama.cpp's server takes them
answers   its answers, as Ollama's clients read them
about     what Ollama's clients ask of models: lists, details
handlers  the routes
"""

from __future__ import annotations

from llamapack.server.ollama.handlers import OllamaRoutes

__all__ = ["OllamaRoutes"]
