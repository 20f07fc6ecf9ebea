"""Grammars that restrict the tokens a sampler may choose."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from llamapack._native import _generated as api
from llamapack._native.library import native, take_text
from llamapack._util.arguments import check_sequence, invalid_character, warn_caller
from llamapack.errors import GrammarError, InputError, LlamapackError, SchemaWarning
from llamapack.sampling.json_schema import compile_schema
from llamapack.sampling.stages import BuildArgs, Stage

if TYPE_CHECKING:
    from llamapack.model.vocab import Vocab

OnUnenforced = Literal["warn", "error", "ignore"]

_SHOWN = 10  # how many keywords a message lists


@dataclass(frozen=True, repr=False)
class Grammar(Stage):
    """A grammar in GBNF, as a stage of a sampler chain. As the first stage, it costs least.

    With triggers it is lazy: everything is allowed until one of the words, regular expressions or tokens was generated,
    and the grammar applies from there on. Regular expressions are ECMAScript's, and searched for in the last 1,000 to
    2,000 bytes. The grammar then begins at the first group that matched something, or else at the start of the match.
    Nothing wakes it between the tokens of `thinking_start` and those of one of `thinking_ends`, if these are given.

    `begun` is what the prompt already has of the text that the grammar describes.
    """

    needs_vocab: ClassVar[bool] = True
    text: str
    root: str = "root"
    _: KW_ONLY
    trigger_words: tuple[str, ...] = ()
    trigger_patterns: tuple[str, ...] = ()
    trigger_tokens: tuple[int, ...] = ()
    begun: str = ""
    thinking_start: str = ""
    thinking_ends: tuple[str, ...] = ()
    unenforced: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the arguments, as far as that is possible without the library."""
        for name in ("trigger_words", "trigger_patterns", "trigger_tokens", "thinking_ends"):
            if isinstance(given := getattr(self, name), str):
                raise GrammarError(f"{name} must be several, not one text: {given!r}.", fix="Put it into a list.")
            object.__setattr__(self, name, check_sequence(name, given))
        texts: dict[str, object] = {"grammar": self.text, "name of the root rule": self.root}
        for name, text in texts.items():
            if not isinstance(text, str) or not text.strip():
                raise GrammarError(f"The {name} must be a text that is not empty, not {text!r}.")
            if problem := invalid_character(text):
                raise GrammarError(f"The {name} has {problem}.")
        for name in ("begun", "thinking_start"):
            if not isinstance(found := getattr(self, name), str):
                raise GrammarError(f"{name} must be a text, not {found!r}.")
        for trigger in (*self.trigger_words, *self.trigger_patterns):
            _check_text("trigger", trigger)
        for end in self.thinking_ends:
            _check_text("mark of thinking", end)
        if bool(self.thinking_start) != bool(self.thinking_ends):
            raise GrammarError("thinking_start and thinking_ends belong together.", fix="Give both, or neither.")

    @classmethod
    def from_json_schema(
        cls, schema: Mapping[str, Any] | str | bool, *, on_unenforced: OnUnenforced = "warn"
    ) -> Grammar:
        """Make the grammar of all JSON texts that a schema allows. The schema is a dict, or JSON text.

        Keys come in the schema's order. Objects with `properties` have no other keys unless `additionalProperties`
        allows them. Keywords that a grammar cannot express are listed in `unenforced` as JSON pointers, such as
        `#/properties/age/multipleOf`; `on_unenforced` is "warn" (SchemaWarning), "error" (GrammarError) or "ignore".

        Raises GrammarError, with the place, for a schema that is invalid, allows nothing, or exceeds limits.
        """
        compiled = compile_schema(schema)
        tell_unenforced(compiled.unenforced, on_unenforced)
        grammar = cls(compiled.text, unenforced=compiled.unenforced)
        grammar.check()
        return grammar

    @property
    def lazy(self) -> bool:
        """True if the grammar waits for a trigger."""
        return bool(self.trigger_words or self.trigger_patterns or self.trigger_tokens)

    def check(self, vocab: Vocab | None = None) -> None:
        """Raise GrammarError, with the place, if the grammar is invalid; `vocab` is needed if it names tokens."""
        message = api.char_p()
        with nullcontext() if vocab is None else vocab.using() as pointer:
            status = native().llamapack_grammar_check(
                pointer, self.text.encode(), self.root.encode(), ctypes.byref(message)
            )
        if status:
            raise _refused(take_text(message))

    def _build(self, args: BuildArgs) -> api.llama_sampler_p:
        assert args.vocab is not None
        args.vocab.require_text()
        out, message = api.llama_sampler_p(), api.char_p()
        status = args.vocab.call(
            args.native.llamapack_sampler_init_grammar,
            *(self.text.encode(), self.root.encode(), ctypes.byref(self._beginning(args.vocab))),
            *(ctypes.byref(out), ctypes.byref(message)),
        )
        if status:
            raise _refused(take_text(message))
        return out

    def _beginning(self, vocab: Vocab) -> api.llamapack_grammar_beginning:
        patterns = [re.sub(r"[.^$|()*+?\[\]{}\\]", r"\\\g<0>", word).encode() for word in self.trigger_words]
        patterns += [pattern.encode() for pattern in self.trigger_patterns]
        ends = [_run(_tokens(vocab, end)) for end in self.thinking_ends]
        return api.llamapack_grammar_beginning(
            lazy=self.lazy,
            patterns=(ctypes.c_char_p * len(patterns))(*patterns),
            n_patterns=len(patterns),
            triggers=_run([vocab.check_token(token) for token in self.trigger_tokens]),
            begun=_run(_tokens(vocab, self.begun)),
            thinking_start=_run(_tokens(vocab, self.thinking_start)),
            thinking_ends=(api.llamapack_token_run * len(ends))(*ends),
            n_thinking_ends=len(ends),
        )

    def __repr__(self) -> str:
        """Show the beginning of the grammar."""
        text = self.text if len(self.text) <= 60 else f"{self.text[:57]}..."
        return f"Grammar({text!r}{', lazy' if self.lazy else ''})"


def _run(tokens: Sequence[int]) -> api.llamapack_token_run:
    return api.llamapack_token_run(tokens=(ctypes.c_int32 * len(tokens))(*tokens), n_tokens=len(tokens))


def _tokens(vocab: Vocab, text: str) -> list[int]:
    """Return the tokens of what stands within a text: without the blank that some tokenizers put before one."""
    tokens = vocab.tokenize(text, add_special=False, parse_special=True)
    added = tokens and not text[0].isspace() and vocab.piece(tokens[0], special=True)[:1].isspace()
    return tokens[1:] if added else tokens


def _check_text(name: str, text: object) -> None:
    if not isinstance(text, str) or not text:
        raise GrammarError(f"A {name} must be a text that is not empty, not {text!r}.")
    if problem := invalid_character(text):
        raise GrammarError(f"The {name} {text!r} has {problem}.")


def _refused(why: str) -> LlamapackError:
    return GrammarError("The grammar cannot be used.", why=f"{why[:1].upper()}{why[1:]}.")


def tell_unenforced(places: Sequence[str], how: OnUnenforced) -> None:
    """For this package: warn or raise, as `on_unenforced` says, if a grammar cannot hold what stands at `places`."""
    if how not in get_args(OnUnenforced):
        raise InputError(f"on_unenforced must be 'warn', 'error' or 'ignore', not {how!r}.")
    if not places or how == "ignore":
        return
    shown = ", ".join(places[:_SHOWN]) + (f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else "")
    what = f"Parts of the JSON schema are not enforced: {shown}."
    why = "A grammar cannot express them, so an answer may break them."
    if how == "error":
        raise GrammarError(what, why=why, fix='Change the schema, or use on_unenforced="warn" and check the answer.')
    warn_caller(SchemaWarning(f'{what}\n{why}\nCheck the answer, and pass on_unenforced="ignore" once you do.'))
