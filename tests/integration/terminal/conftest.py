"""Chats in a terminal, with a real model: the program is the installed one, and the terminal an emulated one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if sys.platform == "win32":
    collect_ignore_glob = ["test_*.py"]  # there are no pseudo-terminals there; not verified

if TYPE_CHECKING:
    from tests.support.terminal.emulator import Terminal

GREEDY = ("--temp", "0", "--threads", "1", "--ctx-size", "1024")
"""The same answers each time."""


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """What is typed is kept in a folder of the test."""
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "LLAMAPACK_CACHE_DIR": str(tmp_path / "cache")}


@pytest.fixture
def chat(model_path: Path, variables: dict[str, str]) -> Callable[..., Terminal]:
    """Start `llamapack chat` in a terminal, with the demo model unless another one, or None, is named."""
    from tests.support.terminal.emulator import Terminal, module

    def start(*options: str | Path, model: Path | str | None = model_path, **about: Any) -> Terminal:
        more = about.pop("variables", {})
        command = module("llamapack", "chat", *([] if model is None else [str(model)]), *GREEDY, *map(str, options))
        return Terminal(command, variables={**variables, **more}, **about)

    return start
