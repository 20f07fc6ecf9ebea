"""Grammars of ours in llama.cpp's chat layer: after thinking, and in tool calls."""

from __future__ import annotations

import ctypes
import json
from typing import Any

import llamapack
import pytest
from llamapack._native import _generated as api
from llamapack._native.library import native, take_text
from llamapack.chat import ChatTemplate
from llamapack.errors import SamplingError
from llamapack.grammar import Grammar
from llamapack.sampling import Sampler

from tests.support.grammars.chains import allowed, feed

# A pattern that llama.cpp's own converter takes for any text.
SCHEMA = {
    "type": "object",
    "properties": {"code": {"type": "string", "pattern": r"^\d{3}$"}, 'when # "set"': {"enum": ["now", "{later}"]}},
    "required": ["code"],
}
ANSWERS = ['{"code": "123"}', '{"code":"123", "when # \\"set\\"": "{later}"}']
WRONG = ['{"code": "12a"}', '{"code": "123", "more": 1}', '{"when', "123"]

TURNS = """{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.reasoning_content %}<think>
{{ message.reasoning_content }}
</think>

{% endif %}{{ message.content or '' }}
{%- for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor -%}
{%- if tools %}Tools: {% for tool in tools %}{{ tool.function | tojson }} {% endfor %}{% endif -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and not enable_thinking %}<think>

</think>

{% endif %}{% endif -%}"""
MESSAGES = [{"role": "user", "content": "Hi"}]
TOOLS = [{"type": "function", "function": {"name": "look_up", "description": "Find.", "parameters": SCHEMA}}]


def apply(vocab: llamapack.Vocab, request: dict[str, Any], source: str | None = TURNS) -> dict[str, Any]:
    """What the library makes of a chat request; ValueError with the message for one that it refuses."""
    out, message = api.char_p(), api.char_p()
    model = vocab.owner
    assert isinstance(model, llamapack.Model)
    with ChatTemplate(model, source) as template, template.using() as pointer:
        status = native().llamapack_chat_apply(
            pointer, json.dumps({"messages": MESSAGES, **request}).encode(), ctypes.byref(out), ctypes.byref(message)
        )
    why = take_text(message)
    if status:
        raise ValueError(why)
    answer: dict[str, Any] = json.loads(take_text(out))
    return answer


def answering(vocab: llamapack.Vocab, made: dict[str, Any]) -> Sampler:
    """A sampler that stands where the prompt ends, as llama.cpp's does."""
    sampler = Sampler.chain([Grammar(made["grammar"])], vocab=vocab)
    for token in vocab.tokenize(made["generation_prompt"], add_special=False, parse_special=True):
        sampler.accept(token)
    return sampler


def takes(vocab: llamapack.Vocab, made: dict[str, Any], text: str) -> bool:
    with answering(vocab, made) as sampler:
        try:
            feed(sampler, vocab, text)
        except SamplingError:
            return False
        return b"" in allowed(sampler, vocab)


@pytest.mark.parametrize(
    ("source", "before"),
    [(None, ""), (TURNS, ""), (TURNS, '<think>\nIt is {1} or "2".\n</think>\n\n')],
    ids=["its own", "no thinking", "thinking"],
)
def test_an_answer_follows_our_grammar(vocab: llamapack.Vocab, source: str | None, before: str) -> None:
    made = apply(vocab, {"json_grammar": Grammar.from_json_schema(SCHEMA).text}, source)
    assert made["own_grammars"]
    assert made["prompt"] == apply(vocab, {}, source)["prompt"]
    assert [text for text in ANSWERS if not takes(vocab, made, before + text)] == []
    assert [text for text in WRONG if takes(vocab, made, before + text)] == []


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_arguments_of_tools_follow_our_grammar(vocab: llamapack.Vocab, choice: str) -> None:
    tools = {"tools": TOOLS, "tool_choice": choice}
    made = apply(vocab, {**tools, "tool_grammars": {"look_up": Grammar.from_json_schema(SCHEMA).text}})
    plain = apply(vocab, tools)
    assert (made["own_grammars"], made["grammar_lazy"]) == (True, choice == "auto")
    assert [made[key] for key in ("prompt", "grammar_triggers")] == [
        plain[key] for key in ("prompt", "grammar_triggers")
    ]
    assert "#/" not in made["prompt"]
    assert r"^\\d{3}$" in made["prompt"]
    # the rule of the arguments is ours, and nothing of llama.cpp's stands beside it
    rules = dict(line.split(" ::= ", 1) for line in made["grammar"].splitlines() if " ::= " in line)
    (name,) = (name for name, body in rules.items() if body == "llamapack-0-root")
    assert name in plain["grammar"]
    assert "code" not in "".join(body for key, body in rules.items() if not key.startswith("llamapack-0-"))
    own = "\n".join(f"{key} ::= {body}" for key, body in rules.items() if key.startswith("llamapack-0-"))
    with Sampler.chain([Grammar(own, root="llamapack-0-root")], vocab=vocab) as sampler:
        feed(sampler, vocab, ANSWERS[1])
        assert allowed(sampler, vocab) == {b""}
        sampler.reset()
        with pytest.raises(SamplingError):
            feed(sampler, vocab, WRONG[0])


def test_a_template_without_a_place_for_grammars_says_so(vocab: llamapack.Vocab) -> None:
    made = apply(vocab, {"tools": TOOLS, "tool_grammars": {"look_up": 'root ::= "{}"'}}, source=None)
    assert made["own_grammars"] is False
    assert "llamapack" not in made["grammar"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"json_grammar": 5}, "there is no text at `json_grammar`"),
        ({"tools": TOOLS, "tool_grammars": {}}, "there is no text at `look_up`"),
        ({"tools": TOOLS, "tool_grammars": []}, "there is no text at `look_up`"),
        ({"reasoning_format": "odd"}, "odd"),
    ],
    ids=str,
)
def test_a_request_that_makes_no_sense_is_refused(
    vocab: llamapack.Vocab, request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        apply(vocab, request_)
