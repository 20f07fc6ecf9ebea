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
from llamapack._util.arguments import check_sequence, warn_caller
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
    """

    needs_vocab: ClassVar[bool] = True
    text: str
    root: str = "root"
    _: KW_ONLY
    trigger_words: tuple[str, ...] = ()
    trigger_patterns: tuple[str, ...] = ()
    trigger_tokens: tuple[int, ...] = ()
    unenforced: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the arguments, as far as that is possible without the library."""
        for name in ("trigger_words", "trigger_patterns", "trigger_tokens"):
            if isinstance(triggers := getattr(self, name), str):
                raise GrammarError(f"{name} must be several, not one text: {triggers!r}.", fix="Put it into a list.")
            object.__setattr__(self, name, check_sequence(name, triggers))
        texts: dict[str, object] = {"grammar": self.text, "name of the root rule": self.root}
        for name, text in texts.items():
            if not isinstance(text, str) or not text.strip():
                raise GrammarError(f"The {name} must be a text that is not empty, not {text!r}.")
            if problem := _invalid_character(text):
                raise GrammarError(f"The {name} has {problem}.")
        for trigger in (*self.trigger_words, *self.trigger_patterns):
            checked: object = trigger
            if not isinstance(checked, str) or not trigger:
                raise GrammarError(f"A trigger must be a text that is not empty, not {trigger!r}.")
            if problem := _invalid_character(trigger):
                raise GrammarError(f"The trigger {trigger!r} has {problem}.")

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
        if on_unenforced not in get_args(OnUnenforced):
            raise InputError(f"on_unenforced must be 'warn', 'error' or 'ignore', not {on_unenforced!r}.")
        compiled = compile_schema(schema)
        _tell_unenforced(compiled.unenforced, on_unenforced)
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
        patterns = [re.sub(r"[.^$|()*+?\[\]{}\\]", r"\\\g<0>", word).encode() for word in self.trigger_words]
        patterns += [pattern.encode() for pattern in self.trigger_patterns]
        tokens = [args.vocab.check_token(token) for token in self.trigger_tokens]
        out, message = api.llama_sampler_p(), api.char_p()
        status = args.vocab.call(
            args.native.llamapack_sampler_init_grammar,
            *(self.text.encode(), self.root.encode(), self.lazy),
            *((ctypes.c_char_p * len(patterns))(*patterns), len(patterns)),
            *((ctypes.c_int32 * len(tokens))(*tokens), len(tokens)),
            *(ctypes.byref(out), ctypes.byref(message)),
        )
        if status:
            raise _refused(take_text(message))
        return out

    def __repr__(self) -> str:
        """Show the beginning of the grammar."""
        text = self.text if len(self.text) <= 60 else f"{self.text[:57]}..."
        return f"Grammar({text!r}{', lazy' if self.lazy else ''})"


def _invalid_character(text: str) -> str:
    """Return the name of a character in `text` that llama.cpp's C API cannot take; empty if there is none."""
    if "\0" in text:
        return "a NUL character"
    return "half of a surrogate pair" if any("\ud800" <= character <= "\udfff" for character in text) else ""


def _refused(why: str) -> LlamapackError:
    return GrammarError("The grammar cannot be used.", why=f"{why[:1].upper()}{why[1:]}.")


def _tell_unenforced(places: Sequence[str], how: OnUnenforced) -> None:
    if not places or how == "ignore":
        return
    shown = ", ".join(places[:_SHOWN]) + (f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else "")
    what = f"Parts of the JSON schema are not enforced: {shown}."
    why = "A grammar cannot express them, so an answer may break them."
    if how == "error":
        raise GrammarError(what, why=why, fix='Change the schema, or use on_unenforced="warn" and check the answer.')
    warn_caller(SchemaWarning(f'{what}\n{why}\nCheck the answer, and pass on_unenforced="ignore" once you do.'))
