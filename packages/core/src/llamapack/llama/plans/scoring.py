"""The plan of `score`: how likely given answers are.

A grammar of single tokens forces the answer, and llama.cpp reports the probability that each token had before that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llamapack.errors import InputError
from llamapack.llama.plans.answers import read_logprobs
from llamapack.llama.plans.messages import Message
from llamapack.llama.plans.replies import TokenLogprob
from llamapack.llama.plans.steps import Ask, Plan

APPLY = "/apply-template"


@dataclass(frozen=True, kw_only=True)
class Score:
    """How likely an answer is: `logprob` is the natural logarithm of its probability, the sum over its tokens."""

    answer: str
    logprob: float
    tokens: tuple[float, ...]

    @property
    def mean_logprob(self) -> float:
        """The logarithm for each token, which does not favour short answers."""
        return self.logprob / len(self.tokens)


@dataclass(frozen=True, kw_only=True)
class _Token:
    """A token, and whether it is text by itself: not a part of a character."""

    id: int
    whole: bool


def score_text(prompt: str, answers: Sequence[str], body: Mapping[str, Any], *, vocabulary: int) -> Plan[list[Score]]:
    """Score answers as what follows a text."""
    _check(prompt, answers)
    scores = []
    before = yield from _tokens(prompt, special=True)
    for answer in answers:
        tokens = yield from _tokens_of(prompt, before, answer)
        logprobs = yield from _logprobs([token.id for token in before], tokens, body, vocabulary)
        scores.append(Score(answer=answer, logprob=sum(logprobs), tokens=tuple(logprobs)))
    return scores


def score_chat(
    messages: Sequence[Message], answers: Sequence[str], body: Mapping[str, Any], *, vocabulary: int
) -> Plan[list[Score]]:
    """Score answers as what the assistant says, without thinking before."""
    asked = {"messages": list(messages), "chat_template_kwargs": {"enable_thinking": False}}
    prompt = (yield Ask(path=APPLY, body=asked))["prompt"]
    return (yield from score_text(prompt, answers, body, vocabulary=vocabulary))


def _check(prompt: object, answers: object) -> None:
    if not isinstance(prompt, str):
        raise InputError(f"The prompt must be a str, not {prompt!r}.")
    if isinstance(answers, (str, bytes)) or not isinstance(answers, Sequence):
        raise InputError(f"answers must be a list of texts, not {answers!r}.")
    for answer in answers:
        if not isinstance(answer, str) or not answer:
            raise InputError(f"An answer must be a text that is not empty, not {answer!r}.")


def _tokens(text: str, *, special: bool) -> Plan[list[_Token]]:
    body = {"content": text, "add_special": special, "parse_special": special, "with_pieces": True}
    rows = (yield Ask(path="/tokenize", body=body))["tokens"]
    return [_Token(id=row["id"], whole=isinstance(row["piece"], str)) for row in rows]


def _tokens_of(prompt: str, before: Sequence[_Token], answer: str) -> Plan[list[_Token]]:
    """Return the tokens of the answer behind the prompt: where a token spans both, those of the answer alone."""
    together = yield from _tokens(prompt + answer, special=True)
    if together[: len(before)] == list(before) and len(together) > len(before):
        return together[len(before) :]
    return (yield from _tokens(answer, special=False))


def _logprobs(
    before: Sequence[int], tokens: Sequence[_Token], body: Mapping[str, Any], vocabulary: int
) -> Plan[list[float]]:
    if all(token.whole for token in tokens):
        rows = yield from _forced(before, [token.id for token in tokens], body, 1)
        return [row.logprob for row in rows]
    logprobs = []
    for number, token in enumerate(tokens):
        known = [*before, *(each.id for each in tokens[:number])]
        logprobs.append((yield from _logprob(known, token, body, vocabulary)))
    return logprobs


def _logprob(known: Sequence[int], token: _Token, body: Mapping[str, Any], vocabulary: int) -> Plan[float]:
    """Return the logprob of one token; of a part of a character, which is not reported, among all that could come."""
    if token.whole:
        (row,) = yield from _forced(known, [token.id], body, 1)
        return row.logprob
    spare = (yield from _tokens("a", special=False))[-1]
    (row,) = yield from _forced(known, [spare.id], body, vocabulary)
    return next(each.logprob for each in row.top if each.id == token.id)


def _forced(
    before: Sequence[int], tokens: Sequence[int], body: Mapping[str, Any], top: int
) -> Plan[list[TokenLogprob]]:
    grammar = "root ::= " + " ".join(f"<[{token}]>" for token in tokens)
    asked = {
        **body,
        "prompt": list(before),
        "grammar": grammar,
        "n_predict": len(tokens),
        "n_probs": top,
        "post_sampling_probs": False,
    }
    data = yield Ask(path="/completion", body=asked)
    return read_logprobs(data.get("completion_probabilities") or ())
