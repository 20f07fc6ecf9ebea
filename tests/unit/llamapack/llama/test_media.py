"""Images and audio in messages, without a model."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from llamapack.errors import InputError, PromptTooLongError, TaskError
from llamapack.llama.aio import AsyncLlama
from llamapack.llama.chats import Chat
from llamapack.llama.core import Core
from llamapack.llama.plans import media
from llamapack.llama.plans.conversation import converse
from llamapack.llama.plans.media import MediaReader
from llamapack.llama.plans.messages import Attached, to_messages
from llamapack.llama.plans.running import carry_out

from tests.support.llama.fake_engine import FakeEngine, Given, core, said, too_long
from tests.support.llama.media_files import address, noise, saved, tone, wav

CAT, DOG = saved(noise(0), "PNG"), saved(noise(1), "PNG")
MEOW = wav(tone())


def image(data: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": address(data)}}


def audio(data: bytes) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": "wav"}}


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def content(prompt: Any, images: Any = None, audio: Any = None) -> Any:
    return to_messages(prompt, None, Attached.of(images, audio))[-1]["content"]


def test_attached_media_stand_before_the_text() -> None:
    assert content("What is it?", [CAT, DOG], MEOW) == [image(CAT), image(DOG), audio(MEOW), text("What is it?")]
    assert content("What is it?", CAT) == [image(CAT), text("What is it?")]
    assert content("What is it?", audio=(tone(), 16000)) == [audio(MEOW), text("What is it?")]


def test_attached_media_stand_at_their_marks() -> None:
    found = content("A: <__media__>, B: <__media__>", [CAT, DOG])
    assert found == [text("A: "), image(CAT), text(", B: "), image(DOG)]
    assert content("<__media__> without media") == "<__media__> without media"


@pytest.mark.parametrize("count", [1, 3])
def test_marks_must_be_as_many_as_media(count: int) -> None:
    with pytest.raises(InputError, match=rf"There are {count} images and audio, but 2 marks <__media__> in the prom"):
        content("<__media__> <__media__>", [CAT] * count)


def test_attached_media_belong_to_the_last_message_of_the_user() -> None:
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    assert to_messages([*talk, {"role": "assistant", "content": "d"}], None, Attached.of(CAT, None)) == [
        *talk[:2],
        {"role": "user", "content": [image(CAT), text("c")]},
        {"role": "assistant", "content": "d"},
    ]
    with pytest.raises(InputError, match="There is no message of the user"):
        to_messages([{"role": "system", "content": "a"}], None, Attached.of(CAT, None))


def test_parts_of_a_list_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "cat.PNG").write_bytes(CAT)
    found = content(["a", tmp_path / "cat.PNG", "b", DOG, MEOW, (tone(), 16000), image(DOG)])
    assert found == [text("a"), image(CAT), text("b"), image(DOG), audio(MEOW), audio(MEOW), image(DOG)]


def test_messages_are_as_openai_s_clients_write_them() -> None:
    detailed = {"type": "image_url", "image_url": {"url": address(CAT), "detail": "low"}}
    short = {"type": "image_url", "image_url": address(CAT)}
    named = {"type": "input_audio", "input_audio": {"data": address(MEOW, "audio/wav"), "format": "wav"}}
    message = {"role": "user", "content": [text("a"), detailed, short, named, audio(MEOW)]}
    assert content([message]) == [text("a"), image(CAT), image(CAT), audio(MEOW), audio(MEOW)]
    assert message["content"][1] is detailed, "messages of the caller are left as they are"


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            {"type": "image_url", "image_url": {"url": "/etc/passwd"}},
            "The address of an image in a message must begin with data: or https:, not '/etc/passwd'.",
        ),
        (
            {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}},
            "The address of an image in a message must",
        ),
        ({"type": "image_url", "image_url": {}}, "A part of type 'image_url' must have a text in 'url'"),
        ({"type": "image_url"}, "A part of type 'image_url' must have a text in 'url'"),
        (
            {"type": "input_audio", "input_audio": {"format": "wav"}},
            "A part of type 'input_audio' must have a text in 'd",
        ),
        ({"type": "input_audio", "input_audio": {"data": "a!"}}, "The data is not base64."),
        ({"type": "image_url", "image_url": {"url": address(b"abc")}}, "The file of the part is no image."),
        (
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            "'https://example.org/a.png' is not fetched.",
        ),
    ],
)
def test_parts_that_are_wrong_are_refused(part: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        content([{"role": "user", "content": [part]}])
    assert str(caught.value).startswith(message)


def test_models_without_a_projector_are_told() -> None:
    it, _ = core(vision=False, audio=False)
    with pytest.raises(TaskError) as caught:
        it.question("ask", "What?", None, {"images": [CAT]})
    assert str(caught.value) == (
        "toy.gguf was loaded without a projector, and takes no images.\n"
        "None is used, because: none was looked for.\n"
        'Use Llama(..., projector="FILE") with the file that belongs to the model; its name usually has mmproj in it.'
    )
    it, _ = core(audio=False)
    with pytest.raises(TaskError, match=r"toy\.gguf takes no audio\."):
        it.question("ask", "What?", None, {"audio": MEOW})


def test_conversations_remember_images(tmp_path: Path) -> None:
    it, engine = core(said("a cat"), said("a dog"))
    chat = Chat(it, tmp_path, (), {}, None)
    chat("What?", images=[CAT])
    chat("And now?", images=DOG)
    sent = engine.bodies[1]["messages"]
    assert [each["content"] for each in sent] == [
        [image(CAT), text("What?")],
        "a cat",
        [image(DOG), text("And now?")],
    ]
    chat.save(tmp_path / "it.chat")
    with pytest.raises(InputError, match="Images and audio belong to what is said"):
        Chat(it, tmp_path, (), {"images": [CAT]}, None)


def test_map_takes_an_entry_for_each_prompt() -> None:
    it, engine = core(said("1"), said("2"), said("3"))
    plan = it.plans("map", None, {"images": iter([CAT, None, [CAT, DOG]])})
    for prompt in "abc":
        carry_out(it.engine, plan(prompt))
    found = [body["messages"][0]["content"] for body in engine.bodies]
    assert found == [[image(CAT), text("a")], "b", [image(CAT), image(DOG), text("c")]]
    with pytest.raises(InputError, match="images has 3 entries, and there are more prompts"):
        plan("d")
    with pytest.raises(InputError, match="images of map must have an entry for each prompt"):
        it.plans("map", None, {"images": "cat.png"})


def completed() -> Given:
    return Given(value={"content": "x", "stop_type": "eos"})


def test_completions_have_the_engine_s_marks() -> None:
    it, engine = core(completed(), completed())
    carry_out(it.engine, it.complete("See <__media__>:", {"images": [CAT]}))
    carry_out(it.engine, it.complete("It is", {"images": [CAT, DOG]}))
    files = [base64.b64encode(each).decode() for each in (CAT, DOG)]
    assert [body["prompt"] for body in engine.bodies] == [
        {"prompt_string": "See <__media_1__>:", "multimodal_data": files[:1]},
        {"prompt_string": "<__media_1__><__media_1__>It is", "multimodal_data": files},
    ]
    with pytest.raises(InputError, match="There are 1 images and audio, but 2 marks"):
        it.complete("<__media__> <__media__>", {"images": [CAT]})
    with pytest.raises(InputError, match="infill takes no images"):
        it.infill("a", "b", {"images": [CAT]})
    with pytest.raises(InputError, match="score takes no images"):
        it.score(["a", CAT], ["b"], chat=True, system=None, lora=None)


def test_prompts_that_are_too_long_count_their_images() -> None:
    it, _ = core(too_long(300))
    with pytest.raises(PromptTooLongError, match="1 images and audio in it are among these tokens"):
        carry_out(it.engine, converse(it.question("ask", "What?", None, {"images": [CAT]})))


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that were fetched; each is a cat."""
    urls: list[str] = []

    def fetch(url: str, _: object) -> bytes:
        urls.append(url)
        return CAT

    monkeypatch.setattr(media, "fetch", fetch)
    return urls


def fetching(*answers: Given) -> tuple[Core, FakeEngine]:
    it, engine = core(*answers)
    reader = MediaReader(fetch_urls=True)
    fields = {name: getattr(it, name) for name in ("engine", "facts", "recognised", "on_overflow")}
    return Core(**fields, reader=reader), engine


URL = "https://example.org/cat.png"


def test_addresses_are_fetched_once_and_remembered_as_files(fetched: list[str], tmp_path: Path) -> None:
    it, engine = fetching(said("a cat"), said("yes"))
    chat = Chat(it, tmp_path, (), {}, None)
    chat([{"role": "user", "content": [text("What?"), {"type": "image_url", "image_url": {"url": URL}}]}])
    chat("Sure?")
    assert fetched == [URL]
    assert engine.bodies[1]["messages"][0]["content"] == [text("What?"), image(CAT)]


def test_addresses_are_fetched_for_tasks_and_completions(fetched: list[str], tmp_path: Path) -> None:
    it, engine = fetching(said("a cat"), completed())
    asyncio.run(_ask(AsyncLlama(it, tmp_path)))
    carry_out(it.engine, it.complete("It is", {"images": [URL]}))
    assert fetched == [URL, URL]
    assert engine.bodies[0]["messages"][0]["content"] == [image(CAT), text("What?")]


async def _ask(llm: AsyncLlama) -> None:
    await llm("What?", images=[URL])
