"""Judge answers that have a form: by the package jsonschema, which knows nothing of grammars."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from typing import Any, Literal

import jsonschema
from jsonschema.exceptions import ValidationError
from llamapack import Llama
from llamapack.errors import GrammarError, ReplyError, SchemaWarning
from pydantic import BaseModel

from tests.support.grammars.random_schemas import CONTRADICTIONS

Verdict = Literal["valid", "cut off", "refused", "told", "beyond"]
"""What may be of an answer.

"refused" is the schema itself; "told" is invalid for a keyword that was named as one that a grammar cannot hold;
"beyond" is valid, but pydantic refuses it for what its schema does not say.
"""

PROMPT = "Make up an example, in JSON."
_POINTER = re.compile(r"#(?:/[^\s,]*)?")


def validator(schema: Any) -> Any:
    """Return jsonschema's judge of a schema; formats count, too."""
    kind = jsonschema.Draft202012Validator
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def answer_of_model(llm: Llama, model: type[BaseModel], **options: Any) -> Verdict:
    """Let the model answer with an object of pydantic's, and judge it."""
    judge = validator(model.model_json_schema())
    try:
        reply = llm(PROMPT, returns=model, **options)
    except ReplyError as error:
        return _misfit(error, judge)
    assert isinstance(reply.value, model)
    problems = list(judge.iter_errors(json.loads(reply.text)))
    if {problem.validator for problem in problems} == {"uniqueItems"}:  # a set keeps one of those that are alike
        problems = list(judge.iter_errors(reply.value.model_dump(mode="json", by_alias=True)))
    assert not problems, (reply.text, problems)
    return "valid"


def _misfit(error: ReplyError, judge: Any) -> Verdict:
    """Judge an answer that pydantic refused."""
    if error.why.startswith("It was cut off at max_tokens"):
        return "cut off"
    _, _, named = error.why.partition("A grammar cannot hold ")
    problems = list(judge.iter_errors(json.loads(error.text)))
    assert explained(problems, named), (error.text, problems, named)
    return "told" if problems or "/format" in named else "beyond"  # jsonschema does not know all formats


def answer_of_schema(llm: Llama, schema: Any, **options: Any) -> Verdict:
    """Let the model answer in the form of a schema, and judge it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            reply = llm(PROMPT, json_schema=schema, **options)
        except GrammarError as error:
            return _refusal(schema, error)
    assert {each.category for each in caught} <= {SchemaWarning}
    if reply.finish == "length":
        return "cut off"
    problems = list(validator(schema).iter_errors(json.loads(reply.text)))
    if not problems:
        return "valid"
    told = "".join(str(each.message).splitlines()[0] for each in caught)
    assert explained(problems, told), (schema, reply.text, problems, told)
    return "told"


def _refusal(schema: Any, error: GrammarError) -> Verdict:
    assert any(words in str(error) for words in CONTRADICTIONS), (schema, error)
    return "refused"


def explained(problems: list[ValidationError], told: str) -> bool:
    """Return True if what makes an answer invalid are keywords that a message names by their places."""
    named = {pointer.rstrip(".").rpartition("/")[2] for pointer in _POINTER.findall(told)}
    return all(named & set(_keywords(problem)) for problem in problems)


def _keywords(problem: ValidationError) -> Iterator[str]:
    """Yield the keyword that is broken, and those by which it is: of anyOf, those of its members."""
    yield str(problem.validator)
    for each in problem.context or ():
        yield from _keywords(each)
