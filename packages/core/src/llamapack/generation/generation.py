"""Generate text from a prompt, as a stream of pieces."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from llamapack._util.arguments import check_bool, check_int, check_keywords, check_sequence
from llamapack._util.uncopyable import Uncopyable
from llamapack.chat import ChatPrompt, Message
from llamapack.context import Context
from llamapack.errors import InputError, PromptTooLongError
from llamapack.generation.logprobs import logprobs as logprobs_of
from llamapack.generation.prompts import ChatOptions, read_prompt
from llamapack.generation.text_stream import TextStream
from llamapack.media.chunks import Chunks
from llamapack.model import Model
from llamapack.sampling import Sampler
from llamapack.sampling.grammar import Grammar
from llamapack.sampling.parameters import SamplingOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack

FinishReason = Literal["stop", "length"]


@dataclass(kw_only=True)
class Timing:
    """Numbers of tokens and the seconds they took; the time that the caller spends between pieces is not counted."""

    prompt_tokens: int = 0
    prompt_seconds: float = 0.0
    generated_tokens: int = 0
    generated_seconds: float = 0.0

    @property
    def prompt_rate(self) -> float:
        """Prompt tokens per second."""
        return self.prompt_tokens / self.prompt_seconds if self.prompt_seconds else 0.0

    @property
    def generated_rate(self) -> float:
        """Generated tokens per second, without the first token: the prompt's last batch computes that one."""
        return (self.generated_tokens - 1) / self.generated_seconds if self.generated_tokens > 1 else 0.0


@dataclass(frozen=True, kw_only=True)
class TokenLogprobs:
    """The log probability (natural logarithm) that the model gave a token before sampling."""

    token: int
    logprob: float
    top: Mapping[int, float]  # log probabilities of the likeliest tokens, in descending order


@dataclass(kw_only=True)
class Generation(Uncopyable, Iterator[str]):
    """A running generation: iterate over it for pieces of text.

    `tokens`, `timing` and `finish_reason` describe the result. `finish_reason` is None until the generation has ended,
    and stays None if it is closed before.

    Pieces hold whole characters and no part of a stop string. Closing it frees the context if `generate` made one.
    `logprobs` has an entry for each token, if they were asked for.
    """

    context: Context
    prompt: Sequence[int]
    sampler: Sampler
    max_tokens: int | None
    stop: tuple[str, ...] = ()
    preserved_tokens: frozenset[int] = frozenset()
    owns_context: bool = False
    n_logprobs: int | None = None
    chunks: Chunks | None = None
    tokens: list[int] = field(default_factory=list)
    logprobs: list[TokenLogprobs] = field(default_factory=list)
    timing: Timing = field(default_factory=Timing)
    finish_reason: FinishReason | None = None

    def __post_init__(self) -> None:
        """Start the text stream."""
        self._vocab = self.context.model.vocab  # kept, because the model makes another one if nobody has it
        self._stream = TextStream(self.stop)
        self._started = self._closed = False

    def __next__(self) -> str:
        """Return the next piece of text, never an empty one."""
        while self.finish_reason is None and not self._closed:
            if text := self._step():
                return text
        raise StopIteration

    def _step(self) -> str:
        """Generate one token; return the text that can be shown now, perhaps none."""
        if not self._started:
            self._read_prompt()
        if self.max_tokens is not None and len(self.tokens) >= self.max_tokens:
            return self._finish("length")
        began = time.perf_counter()
        token = self._next_token()
        if self.tokens:
            self.timing.generated_seconds += time.perf_counter() - began
        if token is None:
            return self._finish("length")
        if self._vocab.is_end(token):
            text = self._piece(token) if token in self.preserved_tokens else ""
            return text + self._finish("stop")
        self.tokens.append(token)
        if self.n_logprobs is not None:
            self.logprobs.append(_logprobs(self.context, token, self.n_logprobs))
        self.timing.generated_tokens += 1
        text = self._piece(token)
        if self._stream.stopped is not None:
            self._end("stop")
        return text

    def _piece(self, token: int) -> str:
        """Return the text that is final with a token; control tokens have none, but for those that are preserved."""
        preserved = token in self.preserved_tokens
        return self._stream.feed(self._vocab.piece(token, special=preserved))

    def _next_token(self) -> int | None:
        """Read the last token, if there is one, and choose the next one; None if the context is full."""
        return self.context.step(self.sampler, self.tokens[-1] if self.tokens else None)

    def _read_prompt(self) -> None:
        self._started = True
        began = time.perf_counter()
        if self.chunks is None:
            self.context.decode(self.prompt)
        else:
            self.chunks.decode(self.context)
        if self.sampler.reads_prompt:
            self.sampler.accept_prompt(self.prompt)
        self.timing.prompt_seconds = time.perf_counter() - began
        self.timing.prompt_tokens = len(self.prompt) if self.chunks is None else self.chunks.n_tokens

    def _finish(self, reason: FinishReason) -> str:
        self._end(reason)
        return self._stream.finish()

    def _end(self, reason: FinishReason) -> None:
        self.finish_reason = reason
        if self.owns_context:
            self.context.close()

    def close(self) -> None:
        """Stop the generation; safe to call twice."""
        if self.owns_context:
            self.context.close()
        self._closed = True

    def __enter__(self) -> Generation:
        """Return the generation; the end of the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the generation."""
        self.close()


def generate(
    model: Model,
    prompt: str | ChatPrompt | Sequence[Message] | Sequence[int] | Chunks,
    *,
    chat: bool | None = None,
    system: str | None = None,
    enable_thinking: bool | None = None,
    max_tokens: int | None = None,
    stop: str | Sequence[str] | None = (),
    logprobs: int | None = None,
    n_ctx: int | None = None,
    n_threads: int | None = None,
    context: Context | None = None,
    sampler: Sampler | None = None,
    **sampling: Unpack[SamplingOptions],
) -> Generation:
    """Generate text from `prompt`; iterating over the result yields pieces of text as soon as they are final.

    A string is continued as it is, or with `chat=True` answered as a user's message. A list of messages is always a
    chat. A list of tokens is used unchanged: no special token is added before or after it. `system` becomes a system
    message before a chat. `enable_thinking=False` turns off the thinking of models whose chat template has a switch for
    it. What `ChatTemplate.apply` returns is a prompt, too; its grammar, for calls of tools, then applies. So is what
    `media.Projector.tokenize` returns: a text with images or audio.

    The text ends after `max_tokens`, when the context is full, at one of the model's end tokens, or before a string in
    `stop`. `logprobs` is a number of tokens: the result then has the log probability of each generated token, and of
    that many of the likeliest ones in its place. Without a `context`, one of `n_ctx` tokens is made, and freed at the
    end; a given one is continued after its last token.

    All fields of SamplingParameters are keyword arguments, such as `temperature`, `seed`, `repeat_penalty`, `grammar`
    and `json_schema`. The last two apply from the first token on, so a chat's thinking is then off by default. A
    `sampler` can be given instead; it keeps its memory of earlier tokens. Penalties count the prompt's tokens.

    Raises InputError for wrong arguments and PromptTooLongError for a prompt that does not fit, before anything is
    computed. Iterating raises SamplingError if no token can be chosen.
    """
    check_keywords("generate", sampling, (*(generate.__kwdefaults__ or ()), *SamplingOptions.__annotations__))
    stops = _stops(stop)
    if max_tokens is not None:
        check_int("max_tokens", max_tokens, least=0)
    if logprobs is not None:
        check_int("logprobs", logprobs, least=0, most=len(model.vocab))
    if enable_thinking is not None:
        check_bool("enable_thinking", enable_thinking)
    if isinstance(prompt, ChatPrompt):
        _add_grammar(prompt, sampler, sampling)
    chosen = _sampler(model, sampler, sampling)
    options = ChatOptions(chat=chat, system=system, enable_thinking=enable_thinking)
    read = read_prompt(model, prompt, options, thinks=not _begins_at_once(chosen))
    if not read.tokens and read.chunks is None:
        raise InputError(
            "The prompt is empty.",
            why="This model puts no token before a text.",
            fix="Give a prompt that is not empty.",
        )
    if context is not None:
        if n_ctx is not None or n_threads is not None:
            raise InputError(
                "A context was given, and n_ctx or n_threads beside it.", fix="Make the context with them."
            )
        chosen.check_model(context)
    place = context if context is not None else Context(model, n_ctx=n_ctx, n_threads=n_threads)
    _check_fit(place, len(read.tokens) if read.chunks is None else read.chunks.n_tokens, owned=context is None)
    return Generation(
        context=place,
        prompt=read.tokens,
        sampler=chosen,
        max_tokens=max_tokens,
        stop=stops + read.stop,
        preserved_tokens=read.preserved,
        owns_context=context is None,
        n_logprobs=logprobs,
        chunks=read.chunks,
    )


def _stops(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    stops = (stop,) if isinstance(stop, str) else check_sequence("stop", stop)
    for each in stops:
        if not isinstance(each, str):
            raise InputError(f"A stop string must be a str, not {each!r}.")
    if "" in stops:
        raise InputError("A stop string is empty.", why="It would end every text at once.", fix="Leave it out.")
    return stops


def _add_grammar(prompt: ChatPrompt, sampler: Sampler | None, options: SamplingOptions) -> None:
    """Let the grammar of a rendered chat apply."""
    grammar = prompt.grammar
    if grammar is None or (sampler is not None and grammar in sampler.stages):
        return
    if sampler is not None:
        raise InputError(
            "A sampler was given, and a prompt with a grammar for calls of tools, which the sampler does not have.",
            fix="Make the sampler with it: Sampler(model.vocab, grammar=prompt.grammar).",
        )
    for name in ("grammar", "json_schema"):
        if options.get(name) is not None:
            raise InputError(
                f"The prompt has a grammar for calls of tools, and {name} was given beside it.",
                fix='Leave one of them out; with tool_choice="none" the prompt has no grammar.',
            )
    options["grammar"] = grammar


def _sampler(model: Model, given: Sampler | None, options: SamplingOptions) -> Sampler:
    if given is not None:
        if options:
            raise InputError(
                f"A sampler was given, and {', '.join(options)} beside it.", fix="Make the sampler with them."
            )
        return given
    if suppressed := dict.fromkeys(model.vocab.suppressed, -math.inf):
        given_bias = options.get("logit_bias")
        options["logit_bias"] = suppressed if given_bias is None else {**suppressed, **given_bias}
    return Sampler(model.vocab, **options)


def _begins_at_once(sampler: Sampler) -> bool:
    """Return True if a grammar applies from the first token on, so that the model cannot think first."""
    return any(isinstance(stage, Grammar) and not stage.lazy for stage in sampler.stages)


def _logprobs(context: Context, token: int, count: int) -> TokenLogprobs:
    import numpy as np

    values = logprobs_of(context.outputs.logits(copy=False))
    most = np.argpartition(values, -count)[-count:].tolist() if count else []
    ranked = sorted(((each, float(values[each])) for each in most), key=lambda pair: -pair[1])
    return TokenLogprobs(token=token, logprob=float(values[token]), top=dict(ranked))


def _check_fit(context: Context, count: int, *, owned: bool) -> None:
    try:
        context.check_room(count)
    except PromptTooLongError:
        if owned:
            context.close()
        raise
