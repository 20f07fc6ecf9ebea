"""Text to tokens and back, to the byte."""

import _thread
import signal
import threading
from pathlib import Path

import llamapack
import pytest
from llamapack._native.library import native
from llamapack.errors import InputError, PromptWarning
from llamapack.model.vocab import TokenAttribute


@pytest.mark.parametrize(
    "text", ["Hello, world!", "", "a\0b", "  two  spaces\n\ttab", "Grüße 世界 🌍", "<|im_start|>user"]
)
def test_text_comes_back_as_it_was(model: llamapack.Model, text: str) -> None:
    tokens = model.vocab.tokenize(text, add_special=False)
    assert model.vocab.detokenize(tokens).decode() == text
    assert b"".join(model.vocab.piece(token, special=True) for token in tokens).decode() == text


def test_special_text_is_plain_text_unless_asked_for(model: llamapack.Model) -> None:
    assert model.vocab.tokenize("<|im_start|>", add_special=False, parse_special=True) == [1]
    assert len(model.vocab.tokenize("<|im_start|>", add_special=False)) > 1


def test_special_tokens_are_known(model: llamapack.Model) -> None:
    vocab = model.vocab
    assert (len(vocab), vocab.bos, vocab.eos) == (49152, 1, 2)
    assert vocab.is_end(2)
    assert not vocab.is_end(100)


def test_bytes_that_are_no_text_are_taken(model: llamapack.Model) -> None:
    tokens = model.vocab.tokenize(b"a\xf0\x9f\x8c\x8d\0b", add_special=False)
    assert model.vocab.detokenize(tokens) == b"a\xf0\x9f\x8c\x8d\0b"


def test_a_long_text_needs_no_second_guess(model: llamapack.Model) -> None:
    text = "lorem ipsum " * 5000
    assert model.vocab.detokenize(model.vocab.tokenize(text, add_special=False)).decode() == text


def test_special_tokens_are_those_of_the_file(model: llamapack.Model) -> None:
    special = model.vocab.special
    known = {name: token for name, token in vars(special).items() if token is not None}
    newline = model.vocab.tokenize("\n", add_special=False)[0]
    assert known == {"bos": 1, "eos": 2, "eot": 0, "nl": newline, "pad": 2, "fim_rep": 4}
    assert (model.vocab.bos, model.vocab.eos, model.vocab.eot) == (1, 2, 0)
    assert (model.vocab.adds_bos, model.vocab.adds_eos, model.vocab.adds_sep) == (False, False, False)
    assert (model.vocab.type, model.vocab.suppressed) == ("bpe", ())


def test_tokens_have_text_score_and_kind(model: llamapack.Model) -> None:
    vocab = model.vocab
    (word,) = vocab.tokenize(" Paris", add_special=False)
    assert (vocab.text(word), vocab.piece(word)) == ("ĠParis", b" Paris")
    assert vocab.score(word) == 0.0
    assert vocab.attributes(word) == TokenAttribute.NORMAL
    assert vocab.attributes(1) == TokenAttribute.CONTROL
    assert (vocab.is_control(1), vocab.is_control(word)) == (True, False)
    assert (vocab.text(1), vocab.piece(1), vocab.piece(1, special=True)) == ("<|im_start|>", b"", b"<|im_start|>")


def test_tokens_that_are_none_are_refused_everywhere(model: llamapack.Model) -> None:
    vocab = model.vocab
    for use in (vocab.text, vocab.score, vocab.attributes, vocab.is_control, vocab.is_end, vocab.piece):
        for token in (-1, len(vocab)):
            with pytest.raises(InputError, match=f"There is no token {token}: the vocabulary has 49152 tokens"):
                use(token)


def test_a_token_that_the_model_adds_and_the_text_spells_is_told(model_path: Path) -> None:
    adds = {"tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.add_eos_token": True}
    with llamapack.Model(model_path, vocab_only=True, overrides=adds) as model:
        bos, eos = model.vocab.bos, model.vocab.eos
        with pytest.warns(PromptWarning) as told:
            tokens = model.vocab.tokenize("<|im_start|>hi<|im_end|>", parse_special=True)
        assert (tokens[:2], tokens[-2:]) == ([bos] * 2, [eos] * 2)
        assert [str(each.message).splitlines()[0] for each in told] == [
            "The prompt begins with '<|im_start|>' twice.",
            "The prompt ends with '<|im_end|>' twice.",
        ]
        assert {each.filename for each in told} == {__file__}
        # as text, once, or not added: nothing to say
        model.vocab.tokenize("<|im_start|>hi")
        model.vocab.tokenize("hi", parse_special=True)
        model.vocab.tokenize("<|im_start|><|im_start|>", add_special=False, parse_special=True)


def test_generate_tells_of_a_prompt_that_begins_twice(model_path: Path) -> None:
    with (
        llamapack.Model(model_path, overrides={"tokenizer.ggml.add_bos_token": True}) as model,
        pytest.warns(PromptWarning, match="begins with '<|im_start|>' twice") as told,
    ):
        llamapack.generate(model, "<|im_start|>hi", n_ctx=256, n_threads=1).close()
    assert told[0].filename == __file__


def test_ctrl_c_ends_waiting_for_a_long_text(model: llamapack.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can stop upstream's tokenizer, which takes seconds for a long text: Ctrl-C ends the waiting only."""
    vocab, ended = model.vocab, threading.Event()
    callers: list[threading.Thread] = []

    class Slow:
        """The library with a tokenizer that is only done after Ctrl-C was pressed."""

        def __getattr__(self, name: str) -> object:
            return getattr(native(), name)

        def llamapack_tokenize(self, *_: object) -> int:
            callers.append(threading.current_thread())
            _thread.interrupt_main()
            assert ended.wait(60)
            return 0

    monkeypatch.setattr(vocab, "_native", Slow())
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            vocab.tokenize("x" * 2**18)
        assert not ended.is_set()
        assert callers != [threading.main_thread()]
    finally:
        ended.set()
        signal.signal(signal.SIGINT, previous)
    callers[0].join()


def test_a_long_text_is_tokenized_as_a_short_one(model: llamapack.Model) -> None:
    line = "Once upon a time.\n"
    count = 2**18 // len(line) + 1
    tokens = model.vocab.tokenize(line * count)
    assert model.vocab.detokenize(tokens).decode() == line * count
    assert tokens[: len(model.vocab.tokenize(line * 3)) - 1] == model.vocab.tokenize(line * 3)[:-1]
