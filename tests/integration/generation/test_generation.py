"""What `generate` yields, and how it ends."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import llamapack
import pytest
from llamapack.errors import (
    CacheFullError,
    CancelledError,
    ChatTemplateError,
    ClosedError,
    InputError,
    PromptTooLongError,
    PromptWarning,
    StateError,
    ThreadError,
)

from tests.support.gguf.files import encode, tiny_model

COUNT = "Count: 1, 2, 3,"  # the model goes on counting, one token a letter


def test_a_chat_is_rendered_by_the_models_own_template(model: llamapack.Model) -> None:
    with llamapack.ChatTemplate(model) as template:
        assert template.explicit
        prompt = template.apply([{"role": "user", "content": "Hi"}])
    assert prompt.text == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_chat_is_answered_and_ends_by_itself(model: llamapack.Model) -> None:
    answer = llamapack.generate(model, "What is 2+2?", chat=True, temperature=0, max_tokens=32, n_threads=1)
    assert "".join(answer) == "The answer to this classic math problem is 4."
    assert answer.finish_reason == "stop"


def test_messages_and_a_system_prompt_make_the_same_chat(model: llamapack.Model) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a colour."}]
    first = llamapack.generate(model, messages, temperature=0, max_tokens=8, n_threads=1)
    second = llamapack.generate(
        model, "Name a colour.", chat=True, system="Be brief.", temperature=0, max_tokens=8, n_threads=1
    )
    assert list(first.prompt) == list(second.prompt)
    assert "".join(first) == "".join(second)


def test_the_template_refuses_messages_with_the_reason(model: llamapack.Model) -> None:
    with pytest.raises(ChatTemplateError) as caught:
        llamapack.generate(model, [{"role": "user"}])
    assert caught.value.what == "The chat template refuses the messages."
    assert "Expected 'content' or 'tool_calls'" in caught.value.why


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[llamapack.Model]:
    """A small model with a vocabulary and without a chat template, as base models are."""
    (tmp_path / "tiny.gguf").write_bytes(encode(tiny_model(("<unk>", "<s>", "</s>"))).data)
    with llamapack.Model(tmp_path / "tiny.gguf") as model:
        yield model


def test_a_model_without_a_chat_template_is_answered_with_a_warning(tiny: llamapack.Model) -> None:
    with pytest.warns(PromptWarning, match=r"has no chat template: the chat is written as ChatML") as caught:
        llamapack.generate(tiny, "Hi", chat=True, max_tokens=1, n_threads=1).close()
    assert "add --raw" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_an_end_of_turn_that_is_no_token_ends_the_answer(tiny: llamapack.Model, model: llamapack.Model) -> None:
    forced = r'root ::= "yes<|im_end|>\n<|im_start|>user\nno"'
    with pytest.warns(PromptWarning):
        answer = llamapack.generate(tiny, "Hi", chat=True, grammar=forced, n_threads=1)
    assert ("".join(answer), answer.finish_reason) == ("yes", "stop")
    question = [{"role": "user", "content": "Hi"}]
    with llamapack.ChatTemplate(model) as own:
        assert own.apply(question).stop == ()  # a token of this model
    source = "{% for message in messages %}{{ message.role }}: {{ message.content }}[END]\n{% endfor %}"
    with llamapack.ChatTemplate(model, source) as other:
        assert other.apply(question).stop == ("[END]",)


def test_thinking_can_be_turned_off(model: llamapack.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "{{ messages[0].content }}{% if enable_thinking is false %} Do not think.{% endif %}"
    template = llamapack.ChatTemplate(model, source)
    monkeypatch.setattr("llamapack.generation.prompts.ChatTemplate", lambda model: nullcontext(template))
    texts = []
    for thinks in (None, True, False):
        with llamapack.generate(model, "Hi.", chat=True, enable_thinking=thinks, n_ctx=256) as answer:
            texts.append(model.vocab.detokenize(answer.prompt).decode())
    assert texts == ["Hi.", "Hi.", "Hi. Do not think."]


def test_tokens_are_a_prompt_and_read_as_they_are(model: llamapack.Model) -> None:
    tokens = model.vocab.tokenize(COUNT)
    first = llamapack.generate(model, tokens, temperature=0, max_tokens=6)
    assert list(first.prompt) == tokens
    assert "".join(first) == "".join(llamapack.generate(model, COUNT, temperature=0, max_tokens=6)) == " 4, 5,"
    for prompt, options, message in (
        ([len(model.vocab)], {}, "There is no token 49152"),
        ([1, -1], {}, "There is no token -1"),
        ([1], {"chat": True}, "A list of tokens is not a chat."),
        ([1], {"system": "Be brief."}, "A list of tokens is not a chat."),
    ):
        with pytest.raises(InputError, match=message):
            llamapack.generate(model, prompt, **options)


def test_a_broken_template_is_refused(model: llamapack.Model) -> None:
    with pytest.raises(ChatTemplateError, match="The chat template cannot be compiled"):
        llamapack.ChatTemplate(model, "{% if %}")


@pytest.mark.parametrize("source", ["", " \n"], ids=repr)
def test_an_empty_chat_template_is_not_taken_for_the_models_own(model: llamapack.Model, source: str) -> None:
    with pytest.raises(ChatTemplateError, match="The chat template is empty"):
        llamapack.ChatTemplate(model, source)


def test_the_same_seed_gives_the_same_text_and_another_seed_another(model: llamapack.Model) -> None:
    def text(seed: int) -> str:
        return "".join(
            llamapack.generate(model, "Once upon a time", seed=seed, temperature=1.5, max_tokens=24, n_threads=1)
        )

    assert text(7) == text(7)
    assert text(7) != text(8)


@pytest.mark.parametrize("limit", [{"top_k": 1}, {"top_p": 0.0}, {"min_p": 1.0}, {"temperature": 1e-6}])
def test_each_parameter_alone_can_narrow_the_choice_to_the_likeliest(
    model: llamapack.Model, limit: dict[str, float]
) -> None:
    wide = {"temperature": 2.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "seed": 3}
    greedy = "".join(llamapack.generate(model, "The capital of France is", temperature=0, max_tokens=8, n_threads=1))
    assert "".join(llamapack.generate(model, "The capital of France is", **wide, max_tokens=8, n_threads=1)) != greedy  # type: ignore[arg-type]
    narrowed = llamapack.generate(model, "The capital of France is", **(wide | limit), max_tokens=8, n_threads=1)  # type: ignore[arg-type]
    assert "".join(narrowed) == greedy


def test_a_stop_string_across_tokens_is_not_shown(model: llamapack.Model) -> None:
    answer = llamapack.generate(model, COUNT, temperature=0, stop="5, 6", max_tokens=32, n_threads=1)
    assert "".join(answer) == " 4, "
    assert answer.finish_reason == "stop"


def test_pieces_are_whole_characters(model: llamapack.Model) -> None:
    pieces = list(llamapack.generate(model, "🌍🌎🌏🌍🌎🌏🌍", temperature=0, max_tokens=24, n_threads=1))
    text = "".join(pieces)
    assert "\N{REPLACEMENT CHARACTER}" not in text[:-1]
    assert any(ord(letter) > 0xFFFF for letter in text)
    assert all(pieces)


def test_max_tokens_ends_the_text(model: llamapack.Model) -> None:
    answer = llamapack.generate(model, COUNT, temperature=0, max_tokens=3, n_threads=1)
    assert "".join(answer) == " 4,"
    assert (answer.finish_reason, len(answer.tokens)) == ("length", 3)
    assert answer.timing.prompt_tokens == 11
    assert answer.timing.prompt_rate > 0
    assert answer.timing.generated_rate > 0


def test_a_full_context_ends_the_text(model: llamapack.Model) -> None:
    with llamapack.Context(model, n_ctx=256, n_threads=1) as context:
        answer = llamapack.generate(model, COUNT, temperature=0, context=context)
        assert "".join(answer).startswith(" 4, 5, 6,")
        assert answer.finish_reason == "length"
        assert context.n_used == context.n_ctx


def test_a_prompt_longer_than_the_context_is_refused_before_anything_runs(model: llamapack.Model) -> None:
    with pytest.raises(PromptTooLongError) as caught:
        llamapack.generate(model, "word " * 300, n_ctx=256)
    assert str(caught.value) == (
        "301 tokens do not fit the context of 256 tokens.\n"
        "Shorten the prompt, or make the context larger: n_ctx in Python, --ctx-size on the command line."
    )


def test_a_context_is_continued_where_it_stands(model: llamapack.Model) -> None:
    with llamapack.Context(model) as context:
        context.decode(model.vocab.tokenize(COUNT))
        rest = "".join(llamapack.generate(model, " 4,", temperature=0, max_tokens=3, context=context))
    assert rest == " 5,"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": -1.0}, "temperature must be 0 or more, not -1.0."),
        ({"temperature": float("nan")}, "temperature must be 0 or more, not nan."),
        ({"top_k": -1}, "top_k must be a whole number from 0"),
        ({"top_p": 1.5}, "top_p must be between 0 and 1, not 1.5."),
        ({"min_p": -0.1}, "min_p must be between 0 and 1, not -0.1."),
        ({"seed": 2**32}, "seed must be a whole number from 0 to 4294967294"),
        ({"stop": ""}, "A stop string is empty."),
        ({"max_tokens": -1}, "max_tokens must be a whole number from 0 to 2147483647, not -1."),
        ({"n_ctx": 0}, "n_ctx must be a whole number from 1"),
        ({"n_threads": 0}, "n_threads must be a whole number from 1"),
        ({"system": "x"}, "`system` needs a chat."),
    ],
)
def test_wrong_arguments_are_refused(model: llamapack.Model, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        llamapack.generate(model, "a", **arguments)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


def test_an_empty_prompt_is_refused(model: llamapack.Model) -> None:
    with pytest.raises(InputError, match=r"^The prompt is empty\."):
        llamapack.generate(model, "")


def test_tokens_outside_the_vocabulary_are_refused(model: llamapack.Model) -> None:
    with llamapack.Context(model, n_ctx=64, n_threads=1) as context:
        for token in (-1, 49152):
            with pytest.raises(InputError, match=f"There is no token {token}"):
                context.decode([token])
            with pytest.raises(InputError, match=f"There is no token {token}"):
                model.vocab.piece(token)
        with pytest.raises(InputError, match="There are no tokens to decode"):
            context.decode([])


def test_sampling_before_reading_is_refused(model: llamapack.Model) -> None:
    with llamapack.Context(model, n_ctx=64, n_threads=1) as context, llamapack.Sampler.greedy() as sampler:
        with pytest.raises(StateError, match="There is nothing to sample from"):
            sampler.sample(context)
        context.decode([1])
        sampler.sample(context)
        context.clear()
        with pytest.raises(StateError, match="There is nothing to sample from"):
            sampler.sample(context)


def test_more_than_the_context_holds_is_refused_and_the_rest_still_works(model: llamapack.Model) -> None:
    with llamapack.Context(model, n_ctx=256, n_threads=1) as context, llamapack.Sampler.greedy() as sampler:
        context.decode([5] * 200)
        with pytest.raises(PromptTooLongError, match="57 tokens do not fit the context of 256 tokens, of which 200"):
            context.decode([5] * 57)
        context.decode([5] * 56)
        sampler.sample(context)
        with pytest.raises(CacheFullError):
            context.decode_one(5)


def test_closed_objects_say_so_and_close_twice(model_path: Path) -> None:
    model = llamapack.Model(model_path)
    context = llamapack.Context(model, n_ctx=64, n_threads=1)
    sampler = llamapack.Sampler()
    model.close()
    assert (model.closed, context.closed, sampler.closed) == (True, True, False)
    for use in (lambda: context.decode([1]), lambda: model.vocab.tokenize("a"), lambda: model.n_layer):
        with pytest.raises(ClosedError, match=r"^This (context|model) is closed\."):
            use()
    for owner in (model, context, sampler, sampler):
        owner.close()


def test_a_context_keeps_its_model_alive(model_path: Path) -> None:
    context = llamapack.Context(llamapack.Model(model_path), n_ctx=64, n_threads=1)
    context.decode([1])
    assert not context.model.closed
    context.close()


def test_a_second_thread_is_refused_with_both_names(model: llamapack.Model) -> None:
    with llamapack.Context(model, n_ctx=64, n_threads=1) as context:
        caught: list[BaseException] = []

        def intrude() -> None:
            try:
                context.decode([1])
            except ThreadError as error:
                caught.append(error)

        with context.exclusive():
            intruder = threading.Thread(target=intrude, name="intruder")
            intruder.start()
            intruder.join()
        assert str(caught[0]).startswith(
            "The thread 'intruder' cannot use this context: the thread 'MainThread' is using it."
        )


def test_progress_is_told_and_can_stop_the_loading(model_path: Path) -> None:
    parts: list[float] = []
    with llamapack.Model(model_path, progress=lambda part: parts.append(part)):
        assert parts[-1] == 1.0
        assert parts == sorted(parts)
    with pytest.raises(CancelledError, match="was stopped by the progress callback at"):
        llamapack.Model(model_path, progress=lambda part: part < 0.3)


def test_an_exception_in_the_progress_callback_comes_out(model_path: Path) -> None:
    def fail(_: float) -> None:
        raise RuntimeError("from the callback")

    with pytest.raises(RuntimeError, match="from the callback"):
        llamapack.Model(model_path, progress=fail)
