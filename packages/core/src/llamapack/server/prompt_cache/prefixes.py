"""Which beginnings a request's prompt has, without knowing its tokens: hashes of its parts, each of all before it too.

Only llama.cpp knows which tokens become of a request, and it compares them anyway before it uses a cache. A hash says
which file to try. So a wrong guess costs time, and never changes an answer.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

LEAST = 2048
"""Bytes of a beginning that is worth a file: some 500 tokens of English."""
_BLOCK = 512
_MOST = 8 << 20
_CHAT = "chat"
_KINDS: Mapping[str, tuple[str, str]] = {
    "/v1/chat/completions": (_CHAT, "messages"),
    "/chat/completions": (_CHAT, "messages"),
    "/v1/messages": ("anthropic", "messages"),
    "/v1/responses": ("responses", "input"),
    "/responses": ("responses", "input"),
    "/v1/completions": ("text", "prompt"),
    "/completions": ("text", "prompt"),
    "/completion": ("text", "prompt"),
}
"""By path: what its prompts begin like, and the field that grows from request to request."""
_BEFORE = ("chat_template_kwargs", "functions", "instructions", "reasoning_effort", "system", "tool_choice", "tools")
"""Fields that templates write before the messages, or that change what they write."""
_MEDIA = (
    '"image_url"',
    '"input_image"',
    '"image"',
    '"input_audio"',
    '"audio_url"',
    '"input_file"',
    '"multimodal_data"',
)


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """A prompt: `length` bytes, and the hash of each of its beginnings of whole blocks."""

    chain: Sequence[str]
    length: int

    def shared(self, chain: Sequence[str]) -> int:
        """Return how many bytes it has in common with a prompt of these hashes."""
        most = min(len(chain), len(self.chain))
        differs = bisect_left(range(most), True, key=lambda at: chain[at] != self.chain[at])
        return differs * _BLOCK

    def begins_with(self, chain: Sequence[str]) -> bool:
        """Return whether a prompt of these hashes is a beginning of it."""
        return self.shared(chain) == len(chain) * _BLOCK


def prefix_of(path: str, body: bytes) -> Prefix | None:
    """Return the beginnings of a request's prompt; None if it is short, or nothing that is kept."""
    if path not in _KINDS or not LEAST <= len(body) <= _MOST:
        return None
    try:
        request = json.loads(body)
        text = _text(*_KINDS[path], request) if isinstance(request, dict) and _is_kept(request) else ""
    except (ValueError, RecursionError):
        return None  # the runner says what is wrong with it
    data = text.encode("utf-8", "surrogatepass")
    if len(data) < LEAST or any(mark in text for mark in _MEDIA):
        return None
    return Prefix(chain=tuple(_hashes(data)), length=len(data))


def _is_kept(request: Mapping[str, Any]) -> bool:
    """Return whether a request leaves the slot and its cache to llama.cpp, and has no adapters of its own."""
    return request.get("cache_prompt") is not False and request.get("id_slot", -1) == -1 and "lora" not in request


def _text(kind: str, growing: str, request: Mapping[str, Any]) -> str:
    before = {name: request[name] for name in _BEFORE if name in request}
    prompt = request.get(growing)
    if isinstance(prompt, str):
        return f"{kind} {_dump(before)} {prompt}"
    if not isinstance(prompt, list) or (kind == "text" and not all(isinstance(token, int) for token in prompt)):
        return ""  # wrong, or several prompts
    return "\n".join([f"{kind} {_dump(before)}", *map(_dump, prompt)])


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _hashes(data: bytes) -> Iterator[str]:
    state = b""
    for at in range(0, len(data) - _BLOCK + 1, _BLOCK):
        state = blake2b(state + data[at : at + _BLOCK], digest_size=16).digest()
        yield state.hex()
