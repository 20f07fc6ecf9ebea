"""Prompts of `generate` as tokens: texts, chats, rendered chats, and tokens as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from llamapack._util.arguments import check_sequence, warn_caller
from llamapack.chat import ChatPrompt, ChatTemplate, Message
from llamapack.errors import InputError, PromptWarning
from llamapack.media.chunks import Chunks
from llamapack.model import Model

_NO_TEMPLATE = """The model has no chat template: the chat is written as ChatML, which it may not know.
It may be a base model, which continues texts and does not answer.
Leave chat out to continue the text as it is; on the command line, add --raw."""

Prompt: TypeAlias = "str | ChatPrompt | Sequence[Message] | Sequence[int] | Chunks"


@dataclass(frozen=True, kw_only=True)
class ReadPrompt:
    """The tokens of a prompt, the strings that end a chat's answer, and the control tokens that are text in it.

    With `chunks`, the prompt has images or audio as well, and the tokens are those of its texts.
    """

    tokens: list[int]
    stop: tuple[str, ...] = ()
    preserved: frozenset[int] = frozenset()
    chunks: Chunks | None = None


@dataclass(frozen=True, kw_only=True)
class ChatOptions:
    """What a caller says of a chat; None stands for the default."""

    chat: bool | None
    system: str | None
    enable_thinking: bool | None


def read_prompt(model: Model, prompt: Prompt, options: ChatOptions, *, thinks: bool) -> ReadPrompt:
    """Return the tokens of `prompt`; `thinks` says whether a chat may think unless the caller says so."""
    if isinstance(prompt, ChatPrompt):
        if options.chat is False or options.system is not None or options.enable_thinking is not None:
            raise InputError(
                "The prompt is a chat that is rendered already.",
                fix="Give system messages and enable_thinking to ChatTemplate.apply, and leave chat=False out.",
            )
        return _tokenized(model, prompt.text, prompt.stop, prompt.preserved_tokens)
    if isinstance(prompt, Chunks):
        return _with_media(model, prompt, options)
    given: list[Any] = [prompt] if isinstance(prompt, str) else [*check_sequence("prompt", prompt)]
    if given and all(hasattr(each, "__index__") for each in given):
        if options.chat or options.system is not None:
            raise InputError(
                "A list of tokens is not a chat.", fix="Give a text or messages, or leave chat and system out."
            )
        vocab = model.vocab
        return ReadPrompt(tokens=[vocab.check_token(each) for each in given])
    if isinstance(prompt, str) and not options.chat:
        if options.system is not None:
            raise InputError("`system` needs a chat.", fix="Add chat=True, or put the text before the prompt.")
        return _tokenized(model, prompt)
    rendered = _rendered(model, prompt, given, options, thinks)
    return _tokenized(model, rendered.text, rendered.stop, rendered.preserved_tokens)


def _with_media(model: Model, chunks: Chunks, options: ChatOptions) -> ReadPrompt:
    chunks.require_open()
    if options.chat or options.system is not None:
        raise InputError(
            "Chunks are not a chat.", fix="Tokenize the chat's prompt, with the markers in it: ChatTemplate.apply."
        )
    if chunks.projector.model is not model:
        raise InputError("These chunks were made for another model.", fix="Make them with a projector of this one.")
    if not len(chunks):
        raise InputError("The prompt is empty: there are no chunks.", fix="Give a text or media.")
    if chunks.projector.uses_mrope and chunks[-1].kind != "text":
        raise InputError(
            "The prompt ends with an image or audio, after which this model cannot go on by itself.",
            why="Its next position depends on the size of the image.",
            fix="Put a text after it.",
        )
    return ReadPrompt(tokens=list(chunks.tokens), chunks=chunks)


def _tokenized(
    model: Model, text: str, stop: tuple[str, ...] = (), preserved: frozenset[int] = frozenset()
) -> ReadPrompt:
    tokens = model.vocab.tokenize(text, add_special=True, parse_special=True)
    return ReadPrompt(tokens=tokens, stop=stop, preserved=preserved)


def _rendered(model: Model, prompt: object, given: list[Any], options: ChatOptions, thinks: bool) -> ChatPrompt:
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else given
    if options.chat is False:
        raise InputError("A list of messages is always a chat.", fix="Leave chat=False out, or give a string.")
    if not messages:
        raise InputError("There are no messages.", fix="Give at least one, or a string.")
    if options.system is not None:
        messages.insert(0, {"role": "system", "content": options.system})
    with ChatTemplate(model) as template:
        if not template.explicit:
            warn_caller(PromptWarning(_NO_TEMPLATE))
        enable_thinking = thinks if options.enable_thinking is None else options.enable_thinking
        return template.apply(messages, enable_thinking=enable_thinking)
