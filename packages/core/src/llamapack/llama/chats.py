"""Conversations: messages that are kept between calls."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from llamapack.errors import InputError, StateError
from llamapack.llama.core import Core
from llamapack.llama.plans.chat_states import restore_state, save_state
from llamapack.llama.plans.conversation import Question, converse
from llamapack.llama.plans.messages import Message, Prompt, to_messages
from llamapack.llama.plans.options import AskOptions, check, to_body
from llamapack.llama.plans.replies import Reply
from llamapack.llama.plans.running import carry_out
from llamapack.llama.plans.running_async import carry_out_async
from llamapack.llama.plans.steps import Plan
from llamapack.llama.saved_chats import ChatState, write_chat
from llamapack.llama.streaming import AsyncStream, Stream

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

T = TypeVar("T")

SLOT = 0
"""Where states are saved and restored."""


class History:
    """The messages of a conversation, and what its calls have in common."""

    def __init__(
        self,
        core: Core,
        states: Path,
        messages: Sequence[Message],
        options: Mapping[str, Any],
        restored: ChatState | None,
    ) -> None:
        """Begin with messages; `options` hold for all calls, and `restored` is a saved state of the KV cache."""
        check("chat", options, AskOptions)
        if options.get("images") is not None or options.get("audio") is not None:
            raise InputError("Images and audio belong to what is said.", fix='Use chat()("TEXT", images=[...]).')
        self._core = core
        self._states = states
        self._messages = self._beginning(options.get("system"), messages)
        self._defaults = {name: value for name, value in options.items() if name != "system"}
        self._restored = restored

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages so far, as OpenAI's interface has them."""
        return tuple(self._messages)

    def undo(self, turns: int = 1) -> None:
        """Forget the last turns: each a message of the user, and all that came of it.

        Raises StateError if there are not so many.
        """
        users = [index for index, message in enumerate(self._messages) if message["role"] == "user"]
        if not 1 <= turns <= len(users):
            raise StateError(
                f"{turns} turn{'' if turns == 1 else 's'} cannot be undone: the conversation has {len(users)}."
            )
        del self._messages[users[-turns] :]

    def fork(self) -> Self:
        """Return another conversation that begins as this one is now; both go on by themselves."""
        return type(self)(self._core, self._states, self._messages, self._defaults, self._restored)

    def _question(self, function: str, asked: Sequence[Message], returns: Any, options: Mapping[str, Any]) -> Question:
        if options.get("system") is not None:
            raise InputError("`system` is for a whole conversation.", fix="Use chat(system=...) when it begins.")
        merged = {**self._defaults, **options}
        return self._core.asked(function, [*self._messages, *asked], returns, merged)

    def _beginning(self, system: str | None, messages: Sequence[Message]) -> list[Message]:
        if messages:
            return self._core.messages(messages, {}, system)
        return to_messages([{"role": "system", "content": system}]) if system is not None else []

    def _plan(self, question: Question) -> Plan[Reply[Any]]:
        state, self._restored = self._restored, None
        if state is None or state.adapters != self._core.strengths(question.body):
            return (yield from converse(question))
        yield from restore_state(state.data, self._states, SLOT)
        return (yield from converse(replace(question, body={**question.body, "id_slot": SLOT})))

    def _add(self, asked: Sequence[Message], reply: Reply[Any]) -> None:
        self._messages += [*asked, *reply.messages]

    def _state(self) -> Plan[ChatState]:
        if not self._messages:
            raise StateError("The conversation is empty: it has no state.")
        lora = to_body({"lora": self._defaults.get("lora")}, self._core.facts, chat=True)
        data = yield from save_state(self._messages, self._states, SLOT, lora)
        return ChatState(data=data, adapters=self._core.strengths(lora))

    def __repr__(self) -> str:
        """Show how many messages there are."""
        return f"<{type(self).__name__} of {len(self._messages)} messages>"


class Chat(History):
    """A conversation: `chat("Hi")` returns the reply, and remembers both. One thread at a time.

    A call that fails, or is left, is not remembered.
    """

    @overload
    def __call__(self, prompt: Prompt, *, returns: None = None, **options: Unpack[AskOptions]) -> Reply[str]: ...
    @overload
    def __call__(self, prompt: Prompt, *, returns: type[T], **options: Unpack[AskOptions]) -> Reply[T]: ...
    @overload
    def __call__(self, prompt: Prompt, *, returns: object, **options: Unpack[AskOptions]) -> Reply[Any]: ...
    def __call__(self, prompt: Prompt, *, returns: Any = None, **options: Unpack[AskOptions]) -> Reply[Any]:
        """Say something, and return the reply; see `Llama.__call__`."""
        asked = self._core.messages(prompt, options)
        question = self._question("chat", asked, returns, options)
        reply: Reply[Any] = carry_out(self._core.engine, self._plan(question))
        self._add(asked, reply)
        return reply

    @overload
    def stream(self, prompt: Prompt, *, returns: None = None, **options: Unpack[AskOptions]) -> Stream[str]: ...
    @overload
    def stream(self, prompt: Prompt, *, returns: type[T], **options: Unpack[AskOptions]) -> Stream[T]: ...
    @overload
    def stream(self, prompt: Prompt, *, returns: object, **options: Unpack[AskOptions]) -> Stream[Any]: ...
    def stream(self, prompt: Prompt, *, returns: Any = None, **options: Unpack[AskOptions]) -> Stream[Any]:
        """Say something, and return the reply as it is written; it is remembered when it is complete."""
        asked = self._core.messages(prompt, options)
        question = replace(self._question("stream", asked, returns, options), streamed=True)
        return Stream(self._core.engine, self._plan(question), lambda reply: self._add(asked, reply))

    def save(self, path: str | os.PathLike[str], *, state: bool = False) -> None:
        """Write the messages to a file; with `state`, also the KV cache, so that they need not be processed again.

        Options of the conversation are not saved. Raises InputError if the file cannot be written.
        """
        saved = carry_out(self._core.engine, self._state()) if state else None
        write_chat(Path(path), self._messages, saved)


class AsyncChat(History):
    """A conversation for asyncio: see Chat."""

    @overload
    async def __call__(self, prompt: Prompt, *, returns: None = None, **options: Unpack[AskOptions]) -> Reply[str]: ...
    @overload
    async def __call__(self, prompt: Prompt, *, returns: type[T], **options: Unpack[AskOptions]) -> Reply[T]: ...
    @overload
    async def __call__(self, prompt: Prompt, *, returns: object, **options: Unpack[AskOptions]) -> Reply[Any]: ...
    async def __call__(self, prompt: Prompt, *, returns: Any = None, **options: Unpack[AskOptions]) -> Reply[Any]:
        """Say something, and return the reply; see `Llama.__call__`."""
        asked = self._core.messages(prompt, options)
        question = self._question("chat", asked, returns, options)
        reply: Reply[Any] = await carry_out_async(self._core.engine, self._plan(question))
        self._add(asked, reply)
        return reply

    @overload
    def stream(self, prompt: Prompt, *, returns: None = None, **options: Unpack[AskOptions]) -> AsyncStream[str]: ...
    @overload
    def stream(self, prompt: Prompt, *, returns: type[T], **options: Unpack[AskOptions]) -> AsyncStream[T]: ...
    @overload
    def stream(self, prompt: Prompt, *, returns: object, **options: Unpack[AskOptions]) -> AsyncStream[Any]: ...
    def stream(self, prompt: Prompt, *, returns: Any = None, **options: Unpack[AskOptions]) -> AsyncStream[Any]:
        """Say something, and return the reply as it is written; it is remembered when it is complete."""
        asked = self._core.messages(prompt, options)
        question = replace(self._question("stream", asked, returns, options), streamed=True)
        return AsyncStream(self._core.engine, self._plan(question), lambda reply: self._add(asked, reply))

    async def save(self, path: str | os.PathLike[str], *, state: bool = False) -> None:
        """Write the messages to a file, and the KV cache with `state`; see Chat.save."""
        saved = await carry_out_async(self._core.engine, self._state()) if state else None
        write_chat(Path(path), self._messages, saved)
