"""Chat messages as the prompt that a model was trained with.

template  Chat templates, rendered by llama.cpp's own engine.
"""

from __future__ import annotations

from llamapack.chat.template import ChatPrompt, ChatTemplate, Message

__all__ = ["ChatPrompt", "ChatTemplate", "Message"]
