"""Chat templates: what transformers renders, which models are trained with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

import jinja2
import llamapack
import pytest
from llamapack.chat import ChatTemplate
from llamapack.errors import ChatTemplateError

from tests.support.chat.tools import source

TEXTS = (
    "Hello",
    "",
    " two spaces  in it and around ",
    "several\n\nlines\n",
    "日本語 🙂 ünï",
    "<start_of_turn>user\nof its own<end_of_turn>",
    "{{ 7 * 7 }} {% if x %} # \\n 'quoted' \"twice\" <b>&amp;</b>",
    "\t1. a list\n\t2. of two",
    "def f(x):\n    return {x: [1, 2]}\n",
    "long " * 400,
)
CONVERSATIONS = [
    [
        {"role": "user" if turn % 2 == 0 else "assistant", "content": TEXTS[(number * 3 + turn) % len(TEXTS)]}
        for turn in range(length)
    ]
    for number, length in enumerate((1, 3, 5, 7) * 5)
]


@pytest.fixture(scope="module")
def model(base_path: Path) -> Iterator[llamapack.Model]:
    """Gemma's base model."""
    with llamapack.Model(base_path, vocab_only=True) as model:
        yield model


@pytest.fixture(scope="module")
def template(model: llamapack.Model) -> Iterator[ChatTemplate]:
    """The template of its chats."""
    with ChatTemplate(model, source("google-gemma-2-2b-it")) as template:
        yield template


def by_transformers(messages: Sequence[dict[str, str]], *, begun: bool) -> str:
    # mypy would read all of transformers for its types
    rendering = import_module("transformers.utils.chat_template_utils")
    rendered, _ = rendering.render_jinja_template(
        [list(messages)],
        chat_template=source("google-gemma-2-2b-it"),
        add_generation_prompt=begun,
        bos_token="<bos>",  # noqa: S106  # no secret
        eos_token="<eos>",  # noqa: S106
    )
    return str(rendered[0])


@pytest.mark.parametrize("messages", CONVERSATIONS, ids=lambda messages: str(len(messages)))
def test_conversations_are_rendered_as_by_transformers(
    model: llamapack.Model, template: ChatTemplate, messages: list[dict[str, str]]
) -> None:
    """The mark at the beginning is added with the tokens, and not before."""
    tokenize = partial(model.vocab.tokenize, parse_special=True)
    for begun in (True, False):
        ours, theirs = (
            template.apply(messages, add_generation_prompt=begun).text,
            by_transformers(messages, begun=begun),
        )
        assert f"<bos>{ours}" == theirs
        assert tokenize(ours) == tokenize(theirs, add_special=False)


@pytest.mark.parametrize("roles", [("user", "user"), ("assistant",)], ids="-".join)
def test_what_the_template_refuses_is_refused_by_both(template: ChatTemplate, roles: Sequence[str]) -> None:
    messages = [{"role": role, "content": "Hello"} for role in roles]
    with pytest.raises(jinja2.TemplateError):
        by_transformers(messages, begun=True)
    with pytest.raises(ChatTemplateError):
        template.apply(messages)


def test_a_system_message_that_the_template_refuses_stands_in_the_first_question(template: ChatTemplate) -> None:
    system, question = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}
    with pytest.raises(jinja2.TemplateError, match="System role"):
        by_transformers([system, question], begun=True)
    assert (
        template.apply([system, question]).text
        == template.apply([{"role": "user", "content": "Be brief.\nHello"}]).text
    )
