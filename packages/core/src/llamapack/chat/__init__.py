"""Chat messages as the prompt that a model was trained with, tools among them, and answers taken apart.

template  Chat templates, rendered by llama.cpp's own engine.
prompt    Rendered chats: what is needed to generate an answer.
answer    Answers: text, thinking and calls of tools.
messages  Checks of messages.
tools     Tools as the template shows them, and grammars for their arguments.
"""

from __future__ import annotations

from llamapack.chat.answer import ChatAnswer
from llamapack.chat.messages import Message
from llamapack.chat.prompt import ChatPrompt
from llamapack.chat.template import ChatTemplate
from llamapack.typed import Tool, ToolCall, tool

__all__ = ["ChatAnswer", "ChatPrompt", "ChatTemplate", "Message", "Tool", "ToolCall", "tool"]
