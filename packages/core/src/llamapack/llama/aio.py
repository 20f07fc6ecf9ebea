"""`Llama.aio`: the same names for asyncio, over the same engine."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

from llamapack.llama.chats import AsyncChat
from llamapack.llama.core import Core
from llamapack.llama.mapping import map_prompts_async
from llamapack.llama.plans.completing import detokenize, tokenize
from llamapack.llama.plans.conversation import converse
from llamapack.llama.plans.messages import Message, Prompt
from llamapack.llama.plans.options import AskOptions, CompletionOptions
from llamapack.llama.plans.replies import Reply
from llamapack.llama.plans.running_async import carry_out_async
from llamapack.llama.plans.scoring import Score
from llamapack.llama.plans.vectors import Ranked
from llamapack.llama.saved_chats import read_chat
from llamapack.llama.streaming import AsyncStream

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")


class AsyncLlama:
    """What a Llama does, awaitable. Cancelling a task ends the work of the engine on its request.

    Tools that are async functions run in the event loop, several at once; others run in threads.
    """

    def __init__(self, core: Core, states: Path) -> None:
        """Use an engine; made by Llama."""
        self._core = core
        self._states = states

    @overload
    async def __call__(self, prompt: Prompt, *, returns: None = None, **options: Unpack[AskOptions]) -> Reply[str]: ...
    @overload
    async def __call__(self, prompt: Prompt, *, returns: type[T], **options: Unpack[AskOptions]) -> Reply[T]: ...
    @overload
    async def __call__(self, prompt: Prompt, *, returns: object, **options: Unpack[AskOptions]) -> Reply[Any]: ...
    async def __call__(self, prompt: Prompt, *, returns: Any = None, **options: Unpack[AskOptions]) -> Reply[Any]:
        """Ask, and return the reply; see `Llama.__call__`."""
        question = self._core.question("ask", prompt, returns, options)
        return await carry_out_async(self._core.engine, converse(question))

    @overload
    def stream(self, prompt: Prompt, *, returns: None = None, **options: Unpack[AskOptions]) -> AsyncStream[str]: ...
    @overload
    def stream(self, prompt: Prompt, *, returns: type[T], **options: Unpack[AskOptions]) -> AsyncStream[T]: ...
    @overload
    def stream(self, prompt: Prompt, *, returns: object, **options: Unpack[AskOptions]) -> AsyncStream[Any]: ...
    def stream(self, prompt: Prompt, *, returns: Any = None, **options: Unpack[AskOptions]) -> AsyncStream[Any]:
        """Ask, and return the reply as it is written; see `Llama.stream`."""
        question = self._core.question("stream", prompt, returns, options, streamed=True)
        return AsyncStream(self._core.engine, converse(question))

    @overload
    def map(
        self,
        prompts: Iterable[Prompt] | AsyncIterable[Prompt],
        *,
        returns: None = None,
        ordered: bool = True,
        parallel: int | None = None,
        **options: Unpack[AskOptions],
    ) -> AsyncIterator[Reply[str]]: ...
    @overload
    def map(
        self,
        prompts: Iterable[Prompt] | AsyncIterable[Prompt],
        *,
        returns: type[T],
        ordered: bool = True,
        parallel: int | None = None,
        **options: Unpack[AskOptions],
    ) -> AsyncIterator[Reply[T]]: ...
    @overload
    def map(
        self,
        prompts: Iterable[Prompt] | AsyncIterable[Prompt],
        *,
        returns: object,
        ordered: bool = True,
        parallel: int | None = None,
        **options: Unpack[AskOptions],
    ) -> AsyncIterator[Reply[Any]]: ...
    def map(
        self,
        prompts: Iterable[Prompt] | AsyncIterable[Prompt],
        *,
        returns: Any = None,
        ordered: bool = True,
        parallel: int | None = None,
        **options: Unpack[AskOptions],
    ) -> AsyncIterator[Reply[Any]]:
        """Ask many things at once, and yield the replies; see `Llama.map`."""
        core = self._core
        at_once = core.facts.slots if parallel is None else parallel
        return map_prompts_async(core.engine, core.plans("map", returns, options), prompts, at_once, ordered=ordered)

    def chat(self, *, messages: Sequence[Message] = (), **options: Unpack[AskOptions]) -> AsyncChat:
        """Begin a conversation; see `Llama.chat`."""
        return AsyncChat(self._core, self._states, messages, options, None)

    def load_chat(self, path: str | os.PathLike[str], **options: Unpack[AskOptions]) -> AsyncChat:
        """Go on with a conversation that was saved; see `Llama.load_chat`."""
        messages, state = read_chat(Path(path))
        return AsyncChat(self._core, self._states, messages, options, state)

    async def complete(self, prompt: str, **options: Unpack[CompletionOptions]) -> Reply[str]:
        """Continue a text, without a chat template; see `Llama.complete`."""
        return await carry_out_async(self._core.engine, self._core.complete(prompt, options))

    def stream_complete(self, prompt: str, **options: Unpack[CompletionOptions]) -> AsyncStream[str]:
        """Continue a text, and return it as it is written; see `Llama.stream_complete`."""
        return AsyncStream(self._core.engine, self._core.complete(prompt, options, streamed=True))

    async def infill(self, prefix: str, suffix: str, **options: Unpack[CompletionOptions]) -> Reply[str]:
        """Write what stands between two texts; see `Llama.infill`."""
        return await carry_out_async(self._core.engine, self._core.infill(prefix, suffix, options))

    async def embed(self, texts: str | Sequence[str], *, normalize: bool = True) -> npt.NDArray[np.float32]:
        """Return vectors of texts; see `Llama.embed`."""
        rows = [texts] if isinstance(texts, str) else texts
        found = await carry_out_async(self._core.engine, self._core.embed(rows, normalize=normalize))
        return found[0] if isinstance(texts, str) else found

    async def rank(self, query: str, documents: Sequence[str], *, top: int | None = None) -> list[Ranked]:
        """Order documents by how well they answer a query; see `Llama.rank`."""
        return await carry_out_async(self._core.engine, self._core.rank(query, documents, top))

    async def score(
        self,
        prompt: Prompt,
        answers: Sequence[str],
        *,
        chat: bool = True,
        system: str | None = None,
        lora: Mapping[str, float] | None = None,
    ) -> list[Score]:
        """Say how likely answers are; see `Llama.score`."""
        plan = self._core.score(prompt, answers, chat=chat, system=system, lora=lora)
        return await carry_out_async(self._core.engine, plan)

    async def tokenize(self, text: str, *, special: bool = False, parse_special: bool = False) -> list[int]:
        """Return the tokens of a text; see `Llama.tokenize`."""
        plan = tokenize(text, special=special, parse_special=parse_special)
        return await carry_out_async(self._core.engine, plan)

    async def detokenize(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens."""
        return await carry_out_async(self._core.engine, detokenize(tokens))
