"""Llama: one class over llama.cpp's server core that chats, calls tools, returns typed objects, embeds and ranks.

llama        Llama: load a model, and all that it can do
aio          AsyncLlama: the same names for asyncio
chats        Chat and AsyncChat: conversations that remember, fork, undo and save
streaming    Stream and AsyncStream: answers that come in pieces
mapping      many prompts at once
core         what Llama and AsyncLlama share: checked arguments, and the plan of each call
plans        what each call does, step by step
opening      load a model into an engine
tasks        what a model is for
projectors   the projector of a model: given, or beside it
explain      which hardware, memory and context, and why
saved_chats  files of chats
"""

from __future__ import annotations

from llamapack.llama.aio import AsyncLlama
from llamapack.llama.chats import AsyncChat, Chat
from llamapack.llama.explain import Explanation
from llamapack.llama.llama import Llama
from llamapack.llama.plans.events import (
    Event,
    PromptProgressEvent,
    TextEvent,
    ThinkingEvent,
    ToolCallEvent,
    ToolResultEvent,
)
from llamapack.llama.plans.replies import Reply, Timing, TokenLogprob, Usage
from llamapack.llama.plans.scoring import Score
from llamapack.llama.plans.vectors import Ranked
from llamapack.llama.streaming import AsyncStream, Stream
from llamapack.media_files import MediaLimits
from llamapack.typed import Tool, ToolCall, ToolResult, tool

__all__ = [
    "AsyncChat",
    "AsyncLlama",
    "AsyncStream",
    "Chat",
    "Event",
    "Explanation",
    "Llama",
    "MediaLimits",
    "PromptProgressEvent",
    "Ranked",
    "Reply",
    "Score",
    "Stream",
    "TextEvent",
    "ThinkingEvent",
    "Timing",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolCallEvent",
    "ToolResult",
    "ToolResultEvent",
    "Usage",
    "tool",
]
