"""Messages, embeddings, ranking, scores, completions, options and the task of a model, without a model."""

from __future__ import annotations

import base64
import gc
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llamapack.errors import InputError, ReplyError, TaskError
from llamapack.gguf import ValueType
from llamapack.llama.core import Core
from llamapack.llama.opening import StateFolder, set_up
from llamapack.llama.plans.messages import to_messages
from llamapack.llama.plans.running import carry_out
from llamapack.llama.tasks import recognise

from tests.support.gguf.files import Value, encode, tiny_model
from tests.support.llama.fake_engine import Given, core, refused
from tests.support.llama.media_files import address, noise, saved, tone, wav

IMAGE, SOUND = saved(noise(), "PNG"), wav(tone())


def test_prompts_become_messages(tmp_path: Path) -> None:
    image, audio = tmp_path / "cat.png", tmp_path / "cat.wav"
    image.write_bytes(IMAGE)
    audio.write_bytes(SOUND)
    assert to_messages("Hi", "Be brief") == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Hi"},
    ]
    assert to_messages(["What is it?", image, audio])[0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": address(IMAGE)}},
        {"type": "input_audio", "input_audio": {"data": base64.b64encode(SOUND).decode(), "format": "wav"}},
    ]
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert to_messages(talk) == talk
    assert to_messages(talk[0]) == talk[:1]


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (3, "A prompt must be a text or a list, not 3"),
        ([], "The prompt is empty"),
        ([{"role": "user", "content": "a"}, "b"], "A message must have a role: 'b'"),
        ({"content": "a"}, "A message must have a role"),
        (["a", 3], "A part of a message must be a text, a path, an image or audio, not 3"),
    ],
)
def test_prompts_that_are_none_are_refused(prompt: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_messages(prompt)


def test_files_that_are_no_media_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(InputError, match=r"a\.txt is no image or audio"):
        to_messages(["Read it", tmp_path / "a.txt"])
    with pytest.raises(InputError, match=r"b\.png cannot be read"):
        to_messages(["Look", tmp_path / "b.png"])


def test_vectors_are_rows_in_the_order_of_the_texts() -> None:
    rows = [{"index": 1, "embedding": [[3.0, 4.0]]}, {"index": 0, "embedding": [[1.0, 2.0]]}]
    it, engine = core(Given(value=rows), task="embed")
    found = carry_out(it.engine, it.embed(["a", "b"], normalize=False))
    assert found.dtype == np.float32
    assert found.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert engine.bodies == [{"content": ["a", "b"], "embd_normalize": -1}]


def test_documents_are_ranked_the_best_first() -> None:
    rows = {"results": [{"index": 0, "relevance_score": -1.0}, {"index": 1, "relevance_score": 2.0}]}
    it, engine = core(Given(value=rows), task="rank")
    found = carry_out(it.engine, it.rank("q", ["a", "b"], 2))
    assert [(each.index, each.score, each.document) for each in found] == [(1, 2.0, "b"), (0, -1.0, "a")]
    assert engine.bodies[0]["top_n"] == 2


def scoring_engine(path: str, body: Mapping[str, Any]) -> Given:
    """Answer as a model whose tokens are bytes, each as likely as 1 of its number; "é" has two."""
    if path == "/tokenize":
        rows = [{"id": byte, "piece": chr(byte) if byte < 128 else [byte]} for byte in body["content"].encode()]
        return Given(value={"tokens": rows})
    forced = [int(part.strip("<[]>")) for part in body["grammar"].removeprefix("root ::= ").split()]
    assert body["n_predict"] == len(forced)
    row = {"token": "", "bytes": [], "logprob": 0.0}
    top = [{**row, "id": each, "logprob": -math.log(each)} for each in range(1, body["n_probs"])]
    rows = [{**row, "id": each, "logprob": -math.log(each), "top_logprobs": top} for each in forced if each < 128]
    return Given(value={"completion_probabilities": rows})


def test_scores_are_sums_over_the_tokens_of_each_answer() -> None:
    it, engine = core()
    engine.answers = scoring_engine
    first, second = carry_out(it.engine, it.score("p", ["ab", "b"], chat=False, system=None, lora=None))
    assert first.logprob == pytest.approx(-math.log(97) - math.log(98))
    assert first.mean_logprob == pytest.approx(first.logprob / 2)
    assert (second.answer, second.tokens) == ("b", (-math.log(98),))
    assert engine.bodies[2]["prompt"] == [ord("p")]


def test_parts_of_a_character_are_looked_up_among_all_tokens() -> None:
    it, engine = core()
    engine.answers = scoring_engine
    engine_vocabulary = 256
    facts = it.facts
    it = Core(
        engine=engine,
        facts=type(facts)(**{**vars(facts), "vocabulary": engine_vocabulary}),
        recognised=it.recognised,
        on_overflow="error",
    )
    (found,) = carry_out(it.engine, it.score("p", ["é!"], chat=False, system=None, lora=None))
    assert found.tokens == pytest.approx([-math.log(each) for each in "é!".encode()])


def completed(text: str, stop: str = "eos") -> Given:
    timings = {"prompt_n": 2, "prompt_ms": 1.0, "predicted_n": 1, "predicted_ms": 1.0, "cache_n": 3}
    found = {"content": text, "tokens_evaluated": 5, "tokens_predicted": 1, "stop_type": stop, "timings": timings}
    return Given(value=found)


def test_completions_are_not_chats() -> None:
    it, engine = core(completed(" Paris", "limit"))
    reply = carry_out(it.engine, it.complete("The capital is", {"max_tokens": 1, "logprobs": 2}))
    assert engine.asked == [("/completion", {"prompt": "The capital is", "n_predict": 1, "n_probs": 2})]
    assert (reply.text, reply.finish, reply.usage.prompt, reply.usage.cached) == (" Paris", "length", 5, 3)


def test_completions_that_fill_the_context_raise() -> None:
    it, _ = core(completed(" Paris", "limit"), context=6)
    with pytest.raises(ReplyError, match=r"The context is full: 5 tokens of the prompt and 1 of the answer") as caught:
        carry_out(it.engine, it.complete("The capital is", {}))
    assert caught.value.text == " Paris"


def test_infill_says_which_model_would() -> None:
    it, _ = core(refused(501, "not_supported_error", "Infill is not supported by this model: prefix token is missing."))
    with pytest.raises(TaskError, match=r"Use a model for code"):
        carry_out(it.engine, it.infill("a", "b", {}))


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("context_shift", 'on_overflow="shift"'),
        ("slot_save_path", "chat.save"),
        ("mmproj", 'projector="FILE"'),
    ],
)
def test_options_that_contradict_llama_are_refused(option: str, instead: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"Llama does not take the option '{option}'\.\nUse {instead}"):
        set_up(tmp_path / "none.gguf", {option: True})


def test_folder_of_states_goes_with_its_owner() -> None:
    folder = StateFolder()
    path = folder.path
    assert path.is_dir()
    del folder
    gc.collect()
    assert not path.exists()


@pytest.mark.parametrize(
    ("metadata", "task", "reason"),
    [
        ({}, "generate", "the architecture 'llama' predicts tokens"),
        ({"llama.pooling_type": 1}, "embed", "the file names mean as its pooling of tokens"),
        ({"llama.pooling_type": 4}, "rank", "the file names rank as its pooling of tokens"),
        ({"llama.pooling_type": 0}, "generate", "the architecture 'llama' predicts tokens"),
        ({"llama.attention.causal": False}, "embed", "its attention is not causal"),
    ],
)
def test_task_is_read_from_the_file(metadata: dict[str, Any], task: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    model = tiny_model()
    for key, value in metadata.items():
        kind = ValueType.BOOL if isinstance(value, bool) else ValueType.UINT32
        model = model.with_value(key, Value(type=kind, value=value))
    path.write_bytes(encode(model).data)
    found = recognise(path)
    assert (found.task, found.reason) == (task, reason)
    assert recognise(path, "embed").reason == "it was asked for"
    with pytest.raises(InputError, match=r"task must be one of"):
        recognise(path, "sing")  # type: ignore[arg-type]  # the fault that is looked for
