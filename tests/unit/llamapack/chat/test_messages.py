"""What is said of messages that chat templates would pass over."""

from __future__ import annotations

from typing import Any

import pytest
from llamapack.chat.messages import checked_messages
from llamapack.errors import ChatTemplateError, InputError

FORM = '{"id": "...", "type": "function", "function": {"name": "...", "arguments": "{...}"}}'
ROLES = "A role is one of system, developer, user, assistant, tool."


def calling(arguments: object) -> list[dict[str, Any]]:
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": arguments}}
    return [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [call]}]


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        (["Hi"], 'Message 0 is no message: \'Hi\'.\nWrite it as {"role": "user", "content": "..."}.'),
        ([{"content": "Hi"}], f"Message 0 has no role.\n{ROLES}"),
        ([{"role": 5, "content": "Hi"}], f"Message 0 has the role 5.\n{ROLES}"),
        (
            [{"role": "user", "content": "Hi"}, {"role": "asistant", "content": "Hi"}],
            "Message 1 has the role 'asistant', which the chat template does not know.\nDid you mean 'assistant'?",
        ),
        (
            [{"role": "q", "content": "Hi"}],
            f"Message 0 has the role 'q', which the chat template does not know.\n{ROLES}",
        ),
        (
            [{"role": "assistant", "tool_calls": [{"name": "look"}]}],
            f"Message 0 has a call of no function: {{'name': 'look'}}.\nWrite it as {FORM}.",
        ),
        (
            calling("{"),
            "Message 1 calls look with arguments that are no JSON object: '{'\n"
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1).",
        ),
        (calling("[1]"), "Message 1 calls look with arguments that are no JSON object: '[1]'"),
        (calling(5), "Message 1 calls look with arguments that are no JSON object: 5"),
        (
            calling("[" * 100_000),
            f"Message 1 calls look with arguments that are no JSON object: '{'[' * 76}...\nThey are nested too deeply.",
        ),
    ],
    ids=[
        *("text", "no role", "number", "misspelled", "unknown", "no function"),
        *("broken arguments", "a list", "another number", "deep"),
    ],
)
def test_a_wrong_message_is_named_with_the_reason(messages: list[Any], complaint: str) -> None:
    with pytest.raises(ChatTemplateError) as caught:
        checked_messages(messages, ["{{ messages }}"])
    assert str(caught.value) == complaint


def test_messages_must_be_several() -> None:
    with pytest.raises(InputError, match="messages must be a list"):
        checked_messages("Hi", [])  # type: ignore[arg-type]  # what a caller may do


@pytest.mark.parametrize("quote", ["'", '"'])
def test_roles_that_a_template_names_are_taken(quote: str) -> None:
    source = "{% if message.role == " + f"{quote}document{quote}" + " %}"
    message = {"role": "document", "content": "Hi"}
    assert checked_messages([message], ["", source]) == [message]
    with pytest.raises(ChatTemplateError, match="has the role 'document'"):
        checked_messages([message], ["", "{# a document #}"])


@pytest.mark.parametrize(
    ("given", "taken"),
    [('{"a":  1}', '{"a":  1}'), ("", "{}"), (None, "{}"), ({"a": 1}, {"a": 1})],
    ids=["as they are written", "empty", "none", "a dict"],
)
def test_arguments_are_an_object_or_its_text(given: object, taken: object) -> None:
    (_, message) = checked_messages(calling(given), [])
    assert message["tool_calls"] == [
        {"id": "1", "type": "function", "function": {"name": "look", "arguments": taken}},
    ]


@pytest.mark.parametrize("calls", [[], None], ids=["empty", "none"])
def test_no_calls_are_left_out(calls: object) -> None:
    assert checked_messages([{"role": "assistant", "content": "Hi", "tool_calls": calls}], []) == [
        {"role": "assistant", "content": "Hi"}
    ]
