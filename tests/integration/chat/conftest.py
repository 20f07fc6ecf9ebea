"""Rendering with the chat templates in llama.cpp's source tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import llamapack
import pytest
from llamapack.chat import ChatTemplate

from tests.support.chat.tools import NAMES, Apply, source


@pytest.fixture(scope="session")
def apply(vocab: llamapack.Vocab) -> Apply:
    """Render with a template: one in llama.cpp's source tree by its name, or a text."""
    model = vocab.owner
    assert isinstance(model, llamapack.Model)

    def render(name: str, messages: Sequence[Mapping[str, Any]], **options: Any) -> llamapack.ChatPrompt:
        with ChatTemplate(model, source(name) if name in NAMES else name) as template:
            return template.apply(messages, **options)

    return render
