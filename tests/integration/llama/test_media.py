"""Images and audio through Llama, with made projectors: what reaches the model, and what stays in its cache."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llamapack import Llama
from llamapack.engine import Engine
from llamapack.errors import InputError, PromptTooLongError, TaskError
from llamapack.llama import MediaLimits, ToolCallEvent
from PIL import Image

from tests.support.gguf.files import bpe_vocabulary
from tests.support.llama.media_files import address, noise, saved, smooth, tone, wav
from tests.support.llama.templates import TOOLS
from tests.support.reference.made_models import write_model
from tests.support.reference.made_projectors import TOKENS, write_projector

WIDTH = 576
"""That of the chat model that all integration tests have."""
QUESTION = "What is on this?"


@pytest.fixture(scope="module")
def projector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_projector(tmp_path_factory.mktemp("projectors") / "mmproj.gguf", "llava", width=WIDTH)


@pytest.fixture(scope="module")
def seer(model_path: Path, projector: Path, open_llama: Callable[..., Llama]) -> Iterator[Llama]:
    with open_llama(model_path, projector=projector, ctx_size=512, parallel=1) as llm:
        yield llm


@pytest.fixture(scope="module")
def hearer(
    model_path: Path, tmp_path_factory: pytest.TempPathFactory, open_llama: Callable[..., Llama]
) -> Iterator[Llama]:
    path = write_projector(tmp_path_factory.mktemp("hearing") / "mmproj.gguf", "ultravox", width=WIDTH)
    with open_llama(model_path, projector=path, ctx_size=512, parallel=1) as llm:
        yield llm


@dataclass(frozen=True)
class Heard:
    """What a model would say first, with the probabilities of the likeliest tokens: more telling than a text."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    prompt: int

    def near(self, other: Heard) -> bool:
        return self.tokens == other.tokens and self.prompt == other.prompt and self.distance(other) < 0.02

    def distance(self, other: Heard) -> float:
        mine, theirs = (dict(zip(each.tokens, each.logprobs, strict=True)) for each in (self, other))
        least = min(theirs.values())  # what is not among the likeliest is no likelier
        return max(abs(mine[token] - theirs.get(token, least)) for token in mine)


def heard(llm: Any, prompt: Any = QUESTION, **options: Any) -> Heard:
    reply = llm(prompt, max_tokens=1, temperature=0, logprobs=8, **options)
    top = reply.logprobs[0].top
    return Heard(tuple(each.id for each in top), tuple(each.logprob for each in top), reply.usage.prompt)


@pytest.fixture(scope="module")
def seen(seer: Llama) -> Heard:
    return heard(seer, images=[noise()])


def test_image_is_its_tokens_in_the_prompt(seer: Llama, seen: Heard) -> None:
    assert seen.prompt == heard(seer).prompt + TOKENS["llava"]
    assert not seen.near(heard(seer))


def test_same_image_is_the_same_answer_and_another_is_not(seer: Llama, seen: Heard) -> None:
    assert heard(seer, images=[noise()], cache_prompt=False).near(seen)
    assert heard(seer, images=[noise()]).near(seen)
    assert not heard(seer, images=[smooth()]).near(seen)


def test_every_way_to_give_a_image_is_the_same(seer: Llama, seen: Heard, tmp_path: Path) -> None:
    data = saved(noise(), "PNG")
    path = tmp_path / "cat.png"
    path.write_bytes(data)
    for given in (path, str(path), data, address(data), noise(), Image.fromarray(noise())):
        assert heard(seer, images=[given]).near(seen), type(given)
    part = {"type": "image_url", "image_url": {"url": address(data)}}
    message = {"role": "user", "content": [part, {"type": "text", "text": QUESTION}]}
    assert heard(seer, [message]).near(seen)
    assert heard(seer, [path, QUESTION]).near(seen)
    stream = seer.stream(QUESTION, images=data, max_tokens=1, temperature=0, logprobs=8)
    assert "".join(stream) == stream.reply.text
    assert [each.id for each in stream.reply.logprobs[0].top] == list(seen.tokens)


@pytest.mark.parametrize("form", ["BMP", "GIF", "WEBP", "TIFF"])
def test_every_kind_of_file_is_the_same(form: str, seer: Llama) -> None:
    flat = np.asarray(smooth() // 64 * 64, dtype=np.uint8)  # no more colours than GIF has
    assert heard(seer, images=[saved(flat, form, lossless=True)]).near(heard(seer, images=[flat]))


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_jpeg_is_nearly_the_same(options: dict[str, Any], seer: Llama) -> None:
    file = saved(smooth(), "JPEG", quality=98, **options)
    assert heard(seer, images=[file]).distance(heard(seer, images=[smooth()])) < 0.2
    assert heard(seer, images=[noise()]).distance(heard(seer, images=[smooth()])) > 0.2


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_images_are_seen_as_they_were_held(form: str, seer: Llama) -> None:
    straight = heard(seer, images=[saved(smooth(48, 32), form)])
    turned = heard(seer, images=[saved(np.rot90(smooth(48, 32)), form, orientation=6)])
    lying = heard(seer, images=[saved(np.rot90(smooth(48, 32)), form)])
    assert turned.distance(straight) < lying.distance(straight) / 2


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (33, 31), (640, 480)])
def test_images_of_every_size_are_as_many_tokens(size: tuple[int, int], seer: Llama, seen: Heard) -> None:
    assert heard(seer, images=[smooth(*size)]).prompt == seen.prompt


def test_order_of_images_and_texts_matters(seer: Llama) -> None:
    orders = itertools.permutations(["a", noise(), smooth()])
    found = [heard(seer, list(order)) for order in orders]
    assert len({each.prompt for each in found}) <= 2  # where two texts would touch, tokens may join
    assert all(not one.near(other) for one, other in itertools.combinations(found, 2))
    marked = heard(seer, "a<__media__><__media__>", images=[noise(), smooth()])
    assert marked.near(found[0])


def test_cache_is_right_when_a_image_changes_in_the_middle(
    seer: Llama, model_path: Path, projector: Path, open_llama: Callable[..., Llama]
) -> None:
    def talk(image: Any) -> list[dict[str, Any]]:
        parts = [{"type": "image_url", "image_url": {"url": address(saved(each, "PNG"))}} for each in (noise(), image)]
        return [
            {"role": "user", "content": [{"type": "text", "text": "Here is one:"}, parts[0]]},
            {"role": "assistant", "content": "Yes."},
            {"role": "user", "content": [{"type": "text", "text": "And this?"}, parts[1]]},
            {"role": "assistant", "content": "It is another one."},
            {"role": "user", "content": "What was the second one?"},
        ]

    first = heard(seer, talk(smooth()))
    reply = seer(talk(noise(7)), max_tokens=1, temperature=0, logprobs=8)
    assert 0 < reply.usage.cached < reply.usage.prompt
    with open_llama(model_path, projector=projector, ctx_size=512, parallel=1) as fresh:
        expected = heard(fresh, talk(noise(7)))
    top = reply.logprobs[0].top
    changed = Heard(tuple(each.id for each in top), tuple(each.logprob for each in top), reply.usage.prompt)
    assert changed.near(expected)
    assert not changed.near(first)
    assert heard(seer, talk(smooth())).near(first)


def test_cache_may_end_between_two_images(seer: Llama, seen: Heard) -> None:
    for others in ([noise()], [smooth()], [smooth(), smooth()]):
        heard(seer, images=[noise(), *others])
        assert heard(seer, images=[noise()]).near(seen)
    both = heard(seer, images=[noise(), smooth()], cache_prompt=False)
    heard(seer, images=[noise(), noise()])
    assert heard(seer, images=[noise(), smooth()]).near(both)
    heard(seer, images=[noise(), noise()])
    stream = seer.stream(QUESTION, images=[noise(), smooth()], max_tokens=1, temperature=0, logprobs=8)
    assert [each.id for each in stream.reply.logprobs[0].top] == list(both.tokens)


def test_conversations_go_on_with_their_images(seer: Llama, tmp_path: Path) -> None:
    chat = seer.chat(max_tokens=3, temperature=0)
    chat(QUESTION, images=[noise()])
    other = chat.fork()
    went_on = heard(chat, "Are you sure?")
    assert heard(other, "Are you sure?").near(went_on)
    chat.undo()
    assert heard(chat, "Are you sure?").near(went_on)
    other.undo()
    for state in (False, True):
        other.save(tmp_path / "it.chat", state=state)
        assert heard(seer.load_chat(tmp_path / "it.chat"), "Are you sure?").near(went_on)
    assert other.messages[0]["content"][0]["type"] == "image_url"


def test_map_has_images_for_each_prompt(seer: Llama) -> None:
    images = [noise(), None, [smooth(), noise()]]
    options: dict[str, Any] = {"max_tokens": 3, "temperature": 0}
    found = [reply.text for reply in seer.map([QUESTION] * 3, images=iter(images), **options)]
    assert found == [seer(QUESTION, images=each, **options).text for each in images]


def test_answers_with_images_have_types(seer: Llama) -> None:
    assert seer(QUESTION, images=[noise()], returns=bool).value in (True, False)


def test_tools_are_called_with_images(
    model_path: Path, projector: Path, open_llama: Callable[..., Llama], calls_tools: dict[int, float]
) -> None:
    def look(times: int) -> str:
        """Look again."""
        return f"{times} cats"

    with open_llama(model_path, projector=projector, ctx_size=1024, parallel=1, chat_template=TOOLS) as llm:
        options: dict[str, Any] = {"max_turns": 1, "max_tokens": 60, "temperature": 0, "tool_choice": "look"}
        events = llm.stream(QUESTION, images=[noise()], tools=[look], logit_bias=calls_tools, **options).events()
        assert next(event.call.name for event in events if isinstance(event, ToolCallEvent)) == "look"
        events.close()  # type: ignore[attr-defined]  # a generator


def test_tasks_have_images(seer: Llama, seen: Heard) -> None:
    async def ask() -> Any:
        return await seer.aio(QUESTION, images=[noise()], max_tokens=1, temperature=0, logprobs=8)

    assert [each.id for each in asyncio.run(ask()).logprobs[0].top] == list(seen.tokens)


def test_completions_have_images(seer: Llama) -> None:
    options: dict[str, Any] = {"max_tokens": 3, "temperature": 0}
    before = seer.complete("The image is", images=[noise()], **options)
    assert before.usage.prompt == seer.complete("The image is", **options).usage.prompt + TOKENS["llava"]
    assert seer.complete("<__media__>The image is", images=[noise()], **options).text == before.text
    for prompt in ("", "The image <__media__>"):
        with pytest.raises(InputError, match="The prompt ends with an image or audio"):
            seer.complete(prompt, images=[noise()])


def test_audio_are_their_tokens_in_the_prompt(hearer: Llama) -> None:
    silent = np.zeros(8000, np.int16)
    found = heard(hearer, "What is it?", audio=[(tone(), 16000)])
    assert found.prompt > heard(hearer, "What is it?").prompt
    assert heard(hearer, "What is it?", audio=[wav(tone())]).near(found)
    assert not heard(hearer, "What is it?", audio=(silent, 16000)).near(found)
    assert heard(hearer, "What is it?", audio=[(tone(rate=48000), 48000)]).distance(found) < 0.5
    part = {"type": "input_audio", "input_audio": {"data": address(wav(tone())).partition(",")[2], "format": "wav"}}
    message = {"role": "user", "content": [part, {"type": "text", "text": "What is it?"}]}
    assert heard(hearer, [message]).near(found)
    with pytest.raises(TaskError, match="takes no images"):
        hearer(QUESTION, images=[noise()])


def test_images_must_fit_the_context(seer: Llama) -> None:
    with pytest.raises(
        PromptTooLongError, match=r"The prompt has \d+ tokens, but a request has a context of 512"
    ) as it:
        seer(QUESTION, images=[noise()] * 130)
    assert "130 images and audio in it are among these tokens" in str(it.value)
    assert seer(QUESTION, images=[noise()], max_tokens=1).usage.completion == 1


def test_limits_are_those_that_were_given(model_path: Path, projector: Path, open_llama: Callable[..., Llama]) -> None:
    limits = MediaLimits(image_pixels=100)
    with open_llama(model_path, projector=projector, ctx_size=512, parallel=1, media_limits=limits) as llm:
        with pytest.raises(InputError, match="30 x 40 pixels, more than the 100 that are allowed"):
            llm(QUESTION, images=[noise()])
        assert "Projector: mmproj.gguf for images on CPU: it was given" in str(llm.explain())


def test_tokens_of_images_of_any_size_are_limited(tmp_path: Path, open_llama: Callable[..., Llama]) -> None:
    path = write_model(tmp_path / "model.gguf", "qwen2vl", vocabulary=bpe_vocabulary())
    sizing = write_projector(tmp_path / "mmproj.gguf", "qwen2vl")
    found = []
    for options in ({}, {"image_max_tokens": 8}, {"image_min_tokens": 20}):
        with open_llama(path, projector=sizing, ctx_size=256, parallel=1, **options) as llm:
            without = llm.complete("<|vision_start|><|vision_end|>a", max_tokens=1).usage.prompt
            found.append(llm.complete("a", images=[noise(1, 96, 128)], max_tokens=1).usage.prompt - without)
    assert found == [3 * 4, 2 * 3, 4 * 6]


def test_images_that_are_read_as_a_whole_must_fit_a_batch(tmp_path: Path, open_llama: Callable[..., Llama]) -> None:
    path = write_model(tmp_path / "model.gguf", "llama", vocabulary=bpe_vocabulary())
    whole = write_projector(tmp_path / "mmproj.gguf", "gemma3")
    with open_llama(path, projector=whole, ctx_size=256, parallel=1, ubatch_size=2) as llm:
        before = llm.complete("hello", max_tokens=4, temperature=0).text
        for _ in range(2):
            with pytest.raises(InputError, match="has more tokens than are processed at once"):
                llm.complete("hello", images=[noise()], max_tokens=4)
        assert llm.complete("hello", max_tokens=4, temperature=0, cache_prompt=False).text == before


def test_projector_of_another_model_is_refused_before_loading(
    model_path: Path, tmp_path: Path, open_llama: Callable[..., Llama]
) -> None:
    path = write_projector(tmp_path / "mmproj.gguf")
    with pytest.raises(InputError, match="It makes embeddings of width 64, but those of the model have 576"):
        open_llama(model_path, projector=path)
    with pytest.raises(TaskError, match="was loaded without a projector"), open_llama(model_path, ctx_size=256) as llm:
        llm(QUESTION, images=[noise()])


def test_projector_stays_on_the_cpu_where_asked(
    model_path: Path, projector: Path, open_llama: Callable[..., Llama], seen: Heard
) -> None:
    with open_llama(model_path, projector=projector, ctx_size=512, parallel=1, mmproj_offload=False) as llm:
        assert heard(llm, images=[noise()]).near(seen)


def test_engine_takes_what_llama_sends(model_path: Path, projector: Path) -> None:
    part = {"type": "image_url", "image_url": {"url": address(saved(noise(), "PNG"))}}
    message = {"role": "user", "content": [part, {"type": "text", "text": QUESTION}]}
    with Engine(model_path, mmproj=projector, ctx_size=512, parallel=1, warmup=False, threads=1) as engine:
        body = {"messages": [message], "max_tokens": 1}
        with engine.request("POST", "/v1/chat/completions", body) as response:
            assert response.json()["usage"]["completion_tokens"] == 1
