"""The plans of saving and restoring the KV cache of a conversation, by way of files in the engine's folder for them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llamapack.llama.plans.conversation import CHAT
from llamapack.llama.plans.messages import Message
from llamapack.llama.plans.steps import Ask, Plan


def save_state(messages: Sequence[Message], folder: Path, slot: int, options: Mapping[str, Any]) -> Plan[bytes]:
    """Return the state of the KV cache behind these messages; `slot` is where they are processed, with `options`."""
    body = {"messages": list(messages), "n_predict": 0, "id_slot": slot, "add_generation_prompt": False}
    yield Ask(path=CHAT, body={**options, **body})
    name = f"{secrets.token_hex(8)}.bin"
    try:
        yield Ask(path=f"/slots/{slot}?action=save", body={"filename": name})
        return (folder / name).read_bytes()
    finally:
        (folder / name).unlink(missing_ok=True)


def restore_state(state: bytes, folder: Path, slot: int) -> Plan[None]:
    """Put a saved state back into the KV cache of a slot."""
    name = f"{secrets.token_hex(8)}.bin"
    try:
        (folder / name).write_bytes(state)
        yield Ask(path=f"/slots/{slot}?action=restore", body={"filename": name})
    finally:
        (folder / name).unlink(missing_ok=True)
