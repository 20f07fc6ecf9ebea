"""`llamapack chat` without a model, and a hub that has the smallest of those that it offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from llamapack.terminal.small_models import SMALL_MODELS

from tests.support.hub.environment import empty_cache, only_hub
from tests.support.hub.models import files_in
from tests.support.hub.standing_in import Hub
from tests.support.terminal.emulator import Terminal

FIRST = SMALL_MODELS[0]
FILE = "SmolLM2-135M-Instruct-Q4_K_M.gguf"


@pytest.fixture
def hub(model_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that has the demo model under the name of the first one offered; nothing of the user's is seen."""
    empty_cache(tmp_path, monkeypatch)
    repository, _, _ = FIRST.reference.removeprefix("hf:").partition(":")
    with only_hub(monkeypatch) as hub:
        hub.put(repository, {FILE: model_path.read_bytes()})
        yield hub


def test_a_small_model_is_offered_downloaded_and_used(chat: Callable[..., Terminal], hub: Hub, tmp_path: Path) -> None:
    with chat(model=None) as terminal:
        terminal.wait("No MODEL was named.", f"{FIRST.name}  {FIRST.megabytes} MB, {FIRST.license}", "Enter for none]")
        assert hub.asked == []
        terminal.enter("99")
        terminal.wait("There is no '99' among them.")
        terminal.enter("1")
        terminal.wait(f"{FILE} | context 0 of 1024")
        terminal.enter("What is 2+2?")
        terminal.wait("The answer to this classic math problem is 4.", "tokens/s")
    downloads = len(hub.downloads())
    assert downloads > 0
    assert any(name.endswith(FILE) for name in files_in(tmp_path / "hf"))
    with chat(model=None) as terminal:
        terminal.wait(f"{FIRST.name}  already on this machine, {FIRST.license}", "Enter for none]")
        terminal.enter("1")
        terminal.wait(f"{FILE} | context 0 of 1024")
    assert len(hub.downloads()) == downloads


@pytest.mark.parametrize("typed", ["\r", "\x04", "\x03"], ids=["Enter", "Ctrl-D", "Ctrl-C"])
def test_nothing_is_downloaded_for_who_wants_none(chat: Callable[..., Terminal], hub: Hub, typed: str) -> None:
    with chat(model=None) as terminal:
        terminal.wait("Enter for none]")
        terminal.send(typed)
        assert terminal.end() == 0
        assert "Traceback" not in terminal.text
    assert hub.asked == []


def test_a_hub_that_fails_is_an_error(chat: Callable[..., Terminal], hub: Hub) -> None:
    hub.repositories.clear()
    with chat(model=None) as terminal:
        terminal.wait("Enter for none]")
        terminal.enter("1")
        assert terminal.end() == 3
        assert FIRST.reference.split(":")[1] in terminal.text
        assert "Traceback" not in terminal.text
