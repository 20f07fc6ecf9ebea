"""What was said so far, with which model and options; knows nothing of screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llamapack.errors import InputError, StateError, TaskError
from llamapack.llama.plans.messages import Message
from llamapack.llama.saved_chats import read_chat
from llamapack.terminal.settings import Settings
from llamapack.terminal.statistics import Statistics

if TYPE_CHECKING:
    from llamapack.llama import Llama, Reply, Stream
    from llamapack.llama.chats import Chat


class Conversation:
    """A conversation with a model; it can be taken back, asked again, saved, and go on with another model."""

    def __init__(self, llm: Llama, settings: Settings, system: str | None = None) -> None:
        """Begin, with a system message or without."""
        self.settings = settings
        self.images: list[Path] = []
        self._kept: Sequence[Message] | None = None  # while a question is asked again
        self._system: Message | None = None
        self._chat: Chat
        self._use(llm)
        self._begin([], system)

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages, as OpenAI's interface has them."""
        return self._chat.messages

    @property
    def system(self) -> str | None:
        """The system message, or None."""
        first = next(iter(self.messages), None) or self._system
        return str(first["content"]) if first and first["role"] == "system" else None

    @property
    def takes_images(self) -> bool:
        """Whether the model was loaded with a projector for images."""
        return "images" in self.facts.takes

    def say(self, text: str, images: Sequence[Path] = ()) -> Stream[str]:
        """Say something, with these images and those that were added before; what is answered is remembered."""
        files = [*self.images, *images]
        self._check_images(files)
        return self._stream(text, **({"images": files} if files else {}))

    def said(self) -> None:
        """Forget the images that were added: they have been said."""
        self.images.clear()

    def add_image(self, path: Path) -> None:
        """Add an image to what is said next. Raises InputError if that is not possible."""
        self._check_images([path])
        if not path.is_file():
            raise InputError(f"There is no file {path}.", fix="Check the path.")
        self.images.append(path)

    def retry(self) -> Stream[str]:
        """Ask the last question again; its answer is forgotten when there is another one. Raises StateError."""
        messages = self.messages
        last = _last_question(messages)
        if last is None:
            raise StateError("There is no question yet.")
        self._kept = messages
        self._begin(messages[:last], self.system)
        return self._stream(messages[last])

    def restore(self) -> None:
        """Take back the answer that `retry` was to replace, after an error."""
        if self._kept is not None:
            self._begin(self._kept, self.system)
        self._kept = None

    def finish(self, reply: Reply[str], tokens: int, seconds: float) -> None:
        """Count an answer, and forget one that was stopped before it had begun."""
        self._kept = None
        self.statistics.count(reply, tokens, seconds)
        if reply.finish == "cancelled" and not reply.text:
            self._chat.undo()

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has."""
        return len(self._llm.tokenize(text)) if text else 0

    def undo(self, turns: int = 1) -> None:
        """Forget the last questions and their answers. Raises StateError if there are not so many."""
        self._chat.undo(turns)

    def set_system(self, text: str | None) -> None:
        """Set the system message, or remove it."""
        self._begin(self.messages, text)

    def clear(self) -> None:
        """Begin anew, with the same system message."""
        self._begin([], self.system)
        self._count_from_nothing()

    def save(self, path: Path) -> None:
        """Write the messages to a file. Raises InputError for a file that is there and is no saved chat."""
        if path.exists():
            try:
                read_chat(path)
            except InputError:
                raise InputError(f"{path} is no saved chat, and stays as it is.", fix="Choose another name.") from None
        self._chat.save(path)

    def load(self, path: Path) -> None:
        """Go on with what `save` wrote. Raises InputError."""
        self._chat = self._llm.load_chat(path)
        self._system = None
        self._count_from_nothing()

    def use(self, llm: Llama) -> None:
        """Go on with another model; images stay in the messages only if it takes them."""
        messages, system = self.messages, self.system
        self._use(llm)
        self._begin(messages if self.takes_images else [_without_images(each) for each in messages], system)

    def _stream(self, prompt: str | Message, **more: Any) -> Stream[str]:
        options: dict[str, Any] = {**self.settings.options(), **more}
        return self._chat.stream(prompt, **options)

    def _use(self, llm: Llama) -> None:
        self._llm = llm
        self.facts = llm.explain()
        self._count_from_nothing()

    def _count_from_nothing(self) -> None:
        self.statistics = Statistics(context=self.facts.context)

    def _begin(self, messages: Sequence[Message], system: str | None) -> None:
        rest = [message for message in messages if message["role"] != "system"]
        self._system = {"role": "system", "content": system} if system else None
        self._chat = self._llm.chat(messages=rest, system=system or None)

    def _check_images(self, files: Sequence[Path]) -> None:
        if files and not self.takes_images:
            raise TaskError(
                f"{self.facts.model} takes no images.",
                why=f"Its projector: {self.facts.projector}.",
                fix="Start llamapack chat with --projector FILE, or use a model that sees.",
            )


def question_text(messages: Sequence[Message]) -> str:
    """Return the text of the last question."""
    last = _last_question(messages)
    return "" if last is None else _text(messages[last]["content"])


def _last_question(messages: Sequence[Message]) -> int | None:
    return max((number for number, each in enumerate(messages) if each["role"] == "user"), default=None)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts: Sequence[Mapping[str, Any]] = content if isinstance(content, (list, tuple)) else []
    return "\n".join(part["text"] for part in parts if part.get("type") == "text")


def _without_images(message: Message) -> Message:
    content = message.get("content")
    return message if content is None or isinstance(content, str) else {**message, "content": _text(content)}
