"""A chat with a model that writes given answers: python -m tests.support.terminal.scripted_chat FOLDER [OPTION...].

FOLDER has `script.json`, a list of answers; each is a list of pieces. A piece `think:TEXT` is thinking, and at
`wait:NAME` the model waits for a file NAME in the folder. What it was asked is in `asked.json`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from unittest import mock

from llamapack.backends.selection.decisions import Choice
from llamapack.errors import CancelledError, PromptTooLongError
from llamapack.llama.chats import Chat
from llamapack.llama.core import Core
from llamapack.llama.explain import Explanation, explain
from llamapack.llama.plans.interface import EngineInterface
from llamapack.llama.saved_chats import read_chat
from llamapack.terminal import opening

from tests.support.llama.fake_engine import TIMINGS, USAGE, core


class ScriptedResponse:
    """An answer in pieces that wait for files."""

    status = 200

    def __init__(self, folder: Path, pieces: list[str]) -> None:
        self._folder = folder
        self._pieces = pieces
        self._cancelled = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if piece.startswith("wait:"):
                self._wait(self._folder / piece.removeprefix("wait:"))
            elif piece.startswith("think:"):
                yield _chunk({"reasoning_content": piece.removeprefix("think:")})
            else:
                yield _chunk({"content": piece})
        yield _chunk({}, finish_reason="stop")
        yield _event({"choices": [], "usage": USAGE, "timings": TIMINGS})
        yield b"data: [DONE]\n\n"

    def _wait(self, path: Path) -> None:
        while not path.exists():
            if self._cancelled.is_set():
                raise CancelledError("The request was cancelled.")
            time.sleep(0.005)

    def read(self) -> bytes:
        return b"".join(self)

    def cancel(self) -> None:
        self._cancelled.set()

    def close(self) -> None:
        self.cancel()


class ScriptedEngine:
    """Gives the answers in turn."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._answers = json.loads((folder / "script.json").read_text(encoding="utf-8"))
        self._asked: list[Any] = []

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> ScriptedResponse:
        self._asked.append(body)
        (self._folder / "asked.json").write_text(json.dumps(self._asked), encoding="utf-8")
        answer = self._answers[len(self._asked) - 1]
        if answer == ["too long"]:
            raise PromptTooLongError("The prompt has 5000 tokens.", fix="Use a shorter one.")
        return ScriptedResponse(self._folder, answer)

    def close(self) -> None:
        pass


class ScriptedLlama:
    """What a chat needs of Llama."""

    def __init__(self, folder: Path, *, vision: bool) -> None:
        made, _ = core(vision=vision, audio=False, context=4096)
        self._core = Core(
            engine=cast("EngineInterface", ScriptedEngine(folder)),
            facts=made.facts,
            recognised=made.recognised,
            on_overflow="drop-oldest",
        )
        self._folder = folder

    def chat(self, *, messages: Any = (), **options: Any) -> Chat:
        return Chat(self._core, self._folder, messages, options, None)

    def load_chat(self, path: Path) -> Chat:
        return Chat(self._core, self._folder, read_chat(path)[0], {}, None)

    def tokenize(self, text: str) -> list[int]:
        return list(range(len(text.split())))

    def explain(self) -> Explanation:
        it = self._core
        choice = Choice()
        given = ({"parallel": 1}, "haswell: it is", choice, it.projector, ())
        return explain(it.facts, it.recognised, it.on_overflow, *given)

    def close(self) -> None:
        (self._folder / "closed").touch()


def _chunk(delta: Mapping[str, Any], **about: Any) -> bytes:
    return _event({"choices": [{"index": 0, "delta": delta, "finish_reason": None, **about}]})


def _event(value: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def main() -> None:
    """Run the command `llamapack chat` with the scripted model."""
    folder = Path(sys.argv[1])
    sys.argv = ["llamapack", "chat", "toy.gguf", *(each for each in sys.argv[2:] if each != "--sees")]
    vision = "--sees" in sys.argv or "--sees" in sys.orig_argv
    if (folder / "without_prompt_toolkit").exists():
        sys.modules["prompt_toolkit"] = None  # type: ignore[assignment]  # importing it fails then
    llm = ScriptedLlama(folder, vision=vision)

    def opened(reference: str) -> ScriptedLlama:
        if reference == "slow":
            print("loads", flush=True)
            time.sleep(600)  # until Ctrl-C
        return llm

    with mock.patch.object(opening.Opener, "open", side_effect=opened):
        from llamapack.cli import main as command

        command()


if __name__ == "__main__":
    main()
