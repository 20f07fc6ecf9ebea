"""Rendered chats: the text to complete, and what is needed to generate an answer and to read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from llamapack._util.arguments import check_bool
from llamapack.chat.answer import AnswerFormat, ChatAnswer
from llamapack.errors import InputError
from llamapack.sampling.grammar import Grammar


@dataclass(frozen=True, kw_only=True)
class ChatPrompt:
    """A rendered chat: the text to complete, and what is needed to generate an answer. `generate` takes it as it is.

    `stop` are the strings that end the answer beside the model's end tokens. With tools, `grammar` holds the calls to
    their form; it waits for the beginning of one, unless a call is required. `enforces_arguments` is True if it also
    holds the arguments to the schemas; check them before the call if it is False. `preserved_tokens` are control tokens
    that belong to the text of the answer. `is_thinking` is True if the text ends where the model is thinking.
    """

    text: str
    stop: tuple[str, ...]
    grammar: Grammar | None = None
    enforces_arguments: bool = False
    preserved_tokens: frozenset[int] = frozenset()
    is_thinking: bool = False
    format: AnswerFormat = field(repr=False)

    def parse(self, text: str, *, partial: bool = False) -> ChatAnswer:
        """Take an answer to this prompt apart: its text, its thinking, and the tools that it calls.

        With `partial=True` the answer may be incomplete, such as while it is being generated; the arguments of the last
        call may then be the beginning of JSON. Raises ReplyError, with the text, for an answer that does not have the
        format of the chat template.
        """
        if not isinstance(text, str):
            raise InputError(f"An answer must be a str, not {text!r}.", fix='Join the pieces: "".join(generation).')
        return self.format.read(text, partial=check_bool("partial", partial), seed=self.text)
