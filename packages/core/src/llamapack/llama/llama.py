"""Llama: a model that chats, calls tools, returns typed objects, embeds, ranks and serves many requests at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, overload

import numpy as np
import numpy.typing as npt

from llamapack._util.arguments import check_bool
from llamapack.engine.options import option_name
from llamapack.errors import InputError
from llamapack.llama.aio import AsyncLlama
from llamapack.llama.chats import Chat
from llamapack.llama.core import Core
from llamapack.llama.explain import Explanation, explain, measured
from llamapack.llama.mapping import map_prompts
from llamapack.llama.opening import StateFolder, open_engine, set_up
from llamapack.llama.plans.completing import detokenize, tokenize
from llamapack.llama.plans.conversation import converse
from llamapack.llama.plans.facts import ask_facts
from llamapack.llama.plans.media import MediaReader
from llamapack.llama.plans.messages import Message, Prompt
from llamapack.llama.plans.options import AskOptions, CompletionOptions, OnOverflow
from llamapack.llama.plans.replies import Reply
from llamapack.llama.plans.running import carry_out
from llamapack.llama.plans.scoring import Score
from llamapack.llama.plans.vectors import Ranked
from llamapack.llama.saved_chats import read_chat
from llamapack.llama.streaming import Stream
from llamapack.llama.tasks import Task
from llamapack.media_files import MediaLimits

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")


class Llama:
    """A GGUF model on llama.cpp's server core, in this process or, with `isolate=True`, in one of its own.

        llm = Llama("model.gguf")  # or a name: Llama("hf:org/repo")
        print(llm("Why is the sky blue?"))

    Threads and asyncio tasks may share it; `parallel` requests run at once, and the others wait. Close it, or use it in
    a `with` block. `llm.aio` has the same names for asyncio.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        *,
        task: Task | None = None,
        on_overflow: OnOverflow = "error",
        projector: str | os.PathLike[str] | bool | None = None,
        fetch_urls: bool = False,
        media_limits: MediaLimits | None = None,
        isolate: bool = False,
        offline: bool | None = None,
        **options: Any,
    ) -> None:
        """Load the model at `model_path`, or the one that it names.

        A name is `hf:org/repo`, with `:Q8_0` or `/file.gguf` and `@revision` after it, `ollama:name:tag`,
        `https://host/model.gguf#sha256=DIGEST`, or one of your list (`llamapack cp`). What is not in the cache is
        downloaded. With `offline=True` no server is asked; with `offline=False` the hub is, for what is newest; None
        asks only for what is missing, and nothing if HF_HUB_OFFLINE is set.

        `task` says what it is for, "generate", "embed" or "rank"; None reads it from the file. When a conversation and
        its answer do not fit the context, an error has the numbers; with `on_overflow="drop-oldest"` the oldest turns
        are left out until the prompt fits, and with "shift" llama.cpp forgets the oldest half while it writes.

        `projector` is the file that makes tokens of images and audio; None takes the one that belongs to the name, or
        the one beside the model, if there is one whose name has "mmproj" in it, and False takes none. It runs where the
        model does; `mmproj_offload=False` keeps it on the CPU, and `mmproj_device` names another device.
        `media_limits` is how large images and audio may be. Addresses of web servers are only fetched with
        `fetch_urls=True`, and never from private networks.

        With `isolate=True` the model is in a process of its own, `llamapack-runner`. If that ends, because llama.cpp or
        a driver crashes or the system kills it, calls under way raise RunnerError, with the reason and the last lines
        of the log, and the next call starts it again. Closing gives all of its memory back.

        `options` are those of Engine: `ctx_size=8192` (shared by all requests at once), `parallel=8`,
        `backends="cuda"`, `gpu_layers=20`, `cache_type_k="q8_0"`, `lora=["adapter.gguf"]`,
        `spec_draft_model="draft.gguf"`, `spec_type="ngram-simple"`, `chat_template_file="FILE"`,
        `progress=callback`; `llamapack.engine.engine_options()` lists them.

        Raises what Engine raises: ModelError, InputError, BackendError; and RunnerError with `isolate=True`. Of names
        ModelNotFoundError, ModelChoiceError and DownloadError, which are ModelErrors.
        """
        if on_overflow not in get_args(OnOverflow):
            raise InputError(f"on_overflow must be 'error', 'shift' or 'drop-oldest', not {on_overflow!r}.")
        if offline is not None:
            check_bool("offline", offline)
        isolate = check_bool("isolate", isolate)
        reader = MediaReader(limits=media_limits or MediaLimits(), fetch_urls=check_bool("fetch_urls", fetch_urls))
        self._states = StateFolder()
        self._options = options
        try:
            self._setup = set_up(
                model_path,
                options,
                task=task,
                on_overflow=on_overflow,
                states=self._states.path,
                projector=projector,
                offline=offline,
            )
            self._engine = open_engine(self._setup, isolate=isolate)
            try:
                facts = carry_out(self._engine, ask_facts())
            except BaseException:
                self._engine.close()
                raise
        except BaseException:
            self._states.remove()
            raise
        self._core = Core(
            engine=self._engine,
            facts=facts,
            recognised=self._setup.recognised,
            on_overflow=on_overflow,
            projector=self._setup.projector,
            reader=reader,
        )
        self.aio = AsyncLlama(self._core, self._states.path)

    # Chat

    @overload
    def __call__(self, prompt: Prompt, *, returns: None = None, **options: Unpack[AskOptions]) -> Reply[str]: ...
    @overload
    def __call__(self, prompt: Prompt, *, returns: type[T], **options: Unpack[AskOptions]) -> Reply[T]: ...
    @overload
    def __call__(self, prompt: Prompt, *, returns: object, **options: Unpack[AskOptions]) -> Reply[Any]: ...
    def __call__(self, prompt: Prompt, *, returns: Any = None, **options: Unpack[AskOptions]) -> Reply[Any]:
        """Ask, and return the reply.

        `prompt` is a text, a list of texts, images and audio, or a list of messages as OpenAI's interface has them.
        `returns` is a type: a grammar makes the answer fit, and `reply.value` is the object. It may be a dataclass,
        TypedDict, NamedTuple, Enum, Literal, pydantic or msgspec model, or what is built of them, such as `list[int]`.
        The model does not see the type: say in the prompt what you want.

        `options` are those of AskOptions: `system`, `tools`, `max_tokens`, `temperature`, `seed` and others.

        Raises PromptTooLongError for a prompt that does not fit, ReplyError for an answer that does not fit the type
        or the context, ToolError for tools that fail or do not end, and InputError for arguments that are wrong.
        """
        question = self._core.question("ask", prompt, returns, options)
        return carry_out(self._core.engine, converse(question))

    @overload
    def stream(self, prompt: Prompt, *, returns: None = None, **options: Unpack[AskOptions]) -> Stream[str]: ...
    @overload
    def stream(self, prompt: Prompt, *, returns: type[T], **options: Unpack[AskOptions]) -> Stream[T]: ...
    @overload
    def stream(self, prompt: Prompt, *, returns: object, **options: Unpack[AskOptions]) -> Stream[Any]: ...
    def stream(self, prompt: Prompt, *, returns: Any = None, **options: Unpack[AskOptions]) -> Stream[Any]:
        """Ask, and return the reply as it is written: iterate over it for pieces of text.

        `stream.events()` yields thinking, tool calls, their results and the progress of the prompt, too; `stream.reply`
        is the whole reply.
        """
        question = self._core.question("stream", prompt, returns, options, streamed=True)
        return Stream(self._core.engine, converse(question))

    @overload
    def map(
        self,
        prompts: Iterable[Prompt],
        *,
        returns: None = None,
        ordered: bool = True,
        parallel: int | None = None,
        **options: Unpack[AskOptions],
    ) -> Iterator[Reply[str]]: ...
    @overload
    def map(
        self,
        prompts: Iterable[Prompt],
        *,
        returns: type[T],
        ordered: bool = True,
        parallel: int | None = None,
        **options: Unpack[AskOptions],
    ) -> Iterator[Reply[T]]: ...
    @overload
    def map(
        self,
        prompts: Iterable[Prompt],
        *,
        returns: object,
        ordered: bool = True,
        parallel: int | None = None,
        **options: Unpack[AskOptions],
    ) -> Iterator[Reply[Any]]: ...
    def map(
        self,
        prompts: Iterable[Prompt],
        *,
        returns: Any = None,
        ordered: bool = True,
        parallel: int | None = None,
        **options: Unpack[AskOptions],
    ) -> Iterator[Reply[Any]]:
        """Ask many things at once, and yield the replies in the order of the prompts, or as they are ready.

        `prompts` may be a generator: it is read only as far as there is room. `parallel` is how many requests are under
        way, by default as many as the engine works on at once. `reply.index` is the number of its prompt. The first
        error ends it, and leaving the loop cancels what is under way. `images` and `audio` have an entry for each
        prompt: None, one, or a list.
        """
        core = self._core
        at_once = core.facts.slots if parallel is None else parallel
        return map_prompts(core.engine, core.plans("map", returns, options), prompts, at_once, ordered=ordered)

    def chat(self, *, messages: Sequence[Message] = (), **options: Unpack[AskOptions]) -> Chat:
        """Begin a conversation, with messages or without; `options` hold for all of its calls."""
        return Chat(self._core, self._states.path, messages, options, None)

    def load_chat(self, path: str | os.PathLike[str], **options: Unpack[AskOptions]) -> Chat:
        """Go on with a conversation that `Chat.save` wrote; its state, if saved, is put back at the next call.

        Raises InputError for a file that is damaged or no chat, and at the next call RequestError for a state of
        another model.
        """
        messages, state = read_chat(Path(path))
        return Chat(self._core, self._states.path, messages, options, state)

    # Without a chat template

    def complete(self, prompt: str, **options: Unpack[CompletionOptions]) -> Reply[str]:
        """Continue a text as it is, without a chat template."""
        return carry_out(self._core.engine, self._core.complete(prompt, options))

    def stream_complete(self, prompt: str, **options: Unpack[CompletionOptions]) -> Stream[str]:
        """Continue a text as it is, and return it as it is written."""
        return Stream(self._core.engine, self._core.complete(prompt, options, streamed=True))

    def infill(self, prefix: str, suffix: str, **options: Unpack[CompletionOptions]) -> Reply[str]:
        """Write what stands between two texts; raises TaskError for a model that was not trained to.

        Of long texts llama.cpp uses what is next to the gap: three quarters of `batch_size` tokens before it, and a
        quarter behind it.
        """
        return carry_out(self._core.engine, self._core.infill(prefix, suffix, options))

    def score(
        self,
        prompt: Prompt,
        answers: Sequence[str],
        *,
        chat: bool = True,
        system: str | None = None,
        lora: Mapping[str, float] | None = None,
    ) -> list[Score]:
        """Say how likely each answer is, in the order given: the model's log-likelihood of it after the prompt.

        With `chat=False` the prompt is a text that the answers continue, without a chat template; a space between them
        belongs to the answer.
        """
        plan = self._core.score(prompt, answers, chat=chat, system=system, lora=lora)
        return carry_out(self._core.engine, plan)

    def tokenize(self, text: str, *, special: bool = False, parse_special: bool = False) -> list[int]:
        """Return the tokens of a text: with `special`, those that a prompt begins or ends with are added.

        With `parse_special`, texts such as `<|im_end|>` become the tokens they stand for.
        """
        return carry_out(self._core.engine, tokenize(text, special=special, parse_special=parse_special))

    def detokenize(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens."""
        return carry_out(self._core.engine, detokenize(tokens))

    # Models that do not write

    def embed(self, texts: str | Sequence[str], *, normalize: bool = True) -> npt.NDArray[np.float32]:
        """Return vectors of texts, of shape (texts, width), or (width,) for a single text.

        They have length 1 unless `normalize=False`. Raises TaskError unless the model was loaded to embed.
        """
        rows = [texts] if isinstance(texts, str) else texts
        found = carry_out(self._core.engine, self._core.embed(rows, normalize=normalize))
        return found[0] if isinstance(texts, str) else found

    def rank(self, query: str, documents: Sequence[str], *, top: int | None = None) -> list[Ranked]:
        """Order documents by how well they answer a query, the best first; `top` is how many are returned.

        Raises TaskError unless the model is a reranker.
        """
        return carry_out(self._core.engine, self._core.rank(query, documents, top))

    # The object itself

    def explain(self) -> Explanation:
        """Say which devices are used and which not, how much context and memory there are, and why.

        llama.cpp measures the memory in a process of its own, which takes a moment.
        """
        core, engine = self._core, self._engine
        cpu = f"{engine.cpu.level.name}: {engine.cpu.reason}"
        options = {option_name(spelling): value for spelling, value in self._options.items()}
        memory = measured(self._setup)
        found = core.recognised
        return explain(core.facts, found, core.on_overflow, options, cpu, engine.choice, core.projector, memory)

    def close(self) -> None:
        """Cancel what is under way, and free the model; safe to call twice, and from any thread."""
        self._engine.close()
        self._states.remove()

    def __enter__(self) -> Llama:
        """Return itself; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Show the model, and what it is for."""
        return f"<Llama {self._core.facts.name!r}: {self._core.recognised.task}>"
