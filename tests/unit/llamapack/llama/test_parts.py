"""Messages, embeddings, ranking, scores, completions, chats, streams and many prompts at once, without a model."""

from __future__ import annotations

import asyncio
import gc
import math
import threading
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llamapack.errors import InputError, ReplyError, StateError, TaskError
from llamapack.gguf import ValueType
from llamapack.llama.aio import AsyncLlama
from llamapack.llama.chats import Chat
from llamapack.llama.core import Core
from llamapack.llama.mapping import map_prompts, map_prompts_async
from llamapack.llama.opening import StateFolder, open_engine
from llamapack.llama.plans.conversation import converse
from llamapack.llama.plans.events import TextEvent
from llamapack.llama.plans.messages import to_messages
from llamapack.llama.plans.replies import Reply
from llamapack.llama.plans.running import carry_out
from llamapack.llama.saved_chats import read_chat
from llamapack.llama.streaming import Stream
from llamapack.llama.tasks import recognise
from llamapack.llama.typed.returns import Returns, returns_of

from tests.support.gguf.files import Value, encode, tiny_model
from tests.support.llama.fake_engine import FakeAsyncResponse, FakeEngine, Given, core, refused, said, streamed


def test_prompts_become_messages(tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"png")
    sound = tmp_path / "cat.mp3"
    sound.write_bytes(b"mp3")
    assert to_messages("Hi", "Be brief") == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Hi"},
    ]
    assert to_messages(["What is it?", picture, sound])[0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
        {"type": "input_audio", "input_audio": {"data": "bXAz", "format": "mp3"}},
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
        (["a", 3], "A part of a message must be a text or a path, not 3"),
    ],
)
def test_prompts_that_are_none_are_refused(prompt: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_messages(prompt)


def test_files_that_are_no_media_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(InputError, match=r"a\.txt is no picture or sound"):
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


def chat(*answers: Given, tmp_path: Path) -> tuple[Chat, FakeEngine]:
    it, engine = core(*answers)
    return Chat(it, tmp_path, [], {"system": "Be brief", "max_tokens": 9}, None), engine


def test_chat_remembers_forks_and_undoes(tmp_path: Path) -> None:
    it, engine = chat(said("A"), said("B"), said("C"), tmp_path=tmp_path)
    it("a")
    other = it.fork()
    it("b", temperature=0)
    assert [message["content"] for message in it.messages] == ["Be brief", "a", "A", "b", "B"]
    assert engine.bodies[1]["n_predict"] == 9
    it.undo()
    assert it.messages == other.messages
    other("c")
    assert len(it.messages) == 3
    with pytest.raises(StateError, match=r"2 turns cannot be undone: the conversation has 1"):
        it.undo(2)
    with pytest.raises(InputError, match=r"`system` is for a whole conversation"):
        it("d", system="No")


def test_calls_that_fail_are_not_remembered(tmp_path: Path) -> None:
    it, _ = chat(refused(500, "server_error", "no"), tmp_path=tmp_path)
    with pytest.raises(Exception, match=r"status 500"):
        it("a")
    assert len(it.messages) == 1


def test_streamed_turns_are_remembered_when_complete(tmp_path: Path) -> None:
    it, _ = chat(streamed({"content": "A"}), tmp_path=tmp_path)
    stream = it.stream("a")
    assert len(it.messages) == 1
    assert list(stream) == ["A"]
    assert [message["content"] for message in it.messages] == ["Be brief", "a", "A"]


def test_chats_are_saved_as_a_whole(tmp_path: Path) -> None:
    it, _ = chat(said("A"), tmp_path=tmp_path)
    it("a")
    it.save(tmp_path / "a.chat")
    assert read_chat(tmp_path / "a.chat") == (list(it.messages), None)


def test_saved_chats_begin_as_others_do(tmp_path: Path) -> None:
    it, _ = core(said("A"))
    aio = AsyncLlama(it, tmp_path)
    Chat(it, tmp_path, [], {}, None).save(tmp_path / "empty.chat")
    assert aio.load_chat(tmp_path / "empty.chat").messages == ()
    talk = Chat(it, tmp_path, [], {}, None)
    talk("a")
    talk.save(tmp_path / "a.chat")
    later = aio.load_chat(tmp_path / "a.chat", system="Be brief")
    assert [message["content"] for message in later.messages] == ["Be brief", "a", "A"]
    Chat(it, tmp_path, later.messages, {}, None).save(tmp_path / "b.chat")
    with pytest.raises(InputError, match=r"There are two system messages"):
        aio.load_chat(tmp_path / "b.chat", system="Be brief")


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_files_that_are_no_chats_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.chat").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.chat is no saved chat, or it is damaged"):
        read_chat(tmp_path / "a.chat")


def test_chats_of_a_later_format_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.chat", "w") as archive:
        archive.writestr("chat.json", '{"format": 2}')
    with pytest.raises(InputError, match=r"was not written by this version"):
        read_chat(tmp_path / "a.chat")


def stream_of(*answers: Given) -> tuple[Stream[str], FakeEngine]:
    it, engine = core(*answers)
    question = it.question("stream", "Hi", None, {}, streamed=True)
    return Stream(engine, converse(question)), engine


def test_stream_that_is_cancelled_has_the_text_so_far() -> None:
    stream, engine = stream_of(streamed({"content": "a"}, {"content": "b"}, {"content": "c"}))
    pieces = []
    for piece in stream:
        pieces.append(piece)
        stream.cancel()
    assert pieces == ["a"]
    assert (stream.reply.text, stream.reply.finish) == ("a", "cancelled")
    assert engine.responses[0].closed


def test_stream_that_is_left_ends_the_work() -> None:
    stream, engine = stream_of(streamed({"content": "a"}, {"content": "b"}))
    with stream:
        assert next(iter(stream)) == "a"
    assert engine.responses[0].closed
    with pytest.raises(StateError, match=r"It was left"):
        _ = stream.reply


def test_leaving_the_loop_ends_the_work() -> None:
    stream, engine = stream_of(streamed({"content": "a"}, {"content": "b"}))
    for _ in stream:
        break
    gc.collect()
    assert engine.responses[0].closed
    stream, engine = stream_of(streamed({"content": "a"}, {"content": "b"}))
    for _ in stream.events():
        break
    gc.collect()
    assert engine.responses[0].closed


def test_reply_of_a_stream_that_has_begun_waits_for_the_rest() -> None:
    stream, _ = stream_of(streamed({"content": "a"}, {"content": "b"}))
    events = stream.events()
    assert next(events) == TextEvent(text="a")
    assert stream.reply.text == "ab"


def test_leaving_an_async_loop_ends_the_work() -> None:
    async def main() -> None:
        it, engine = core(streamed({"content": "a"}, {"content": "b"}))
        async for _ in AsyncLlama(it, Path()).stream("a"):
            break
        gc.collect()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert engine.responses[0].closed

    asyncio.run(main())


@pytest.mark.parametrize(
    ("option", "instead"), [("context_shift", 'on_overflow="shift"'), ("slot_save_path", "chat.save")]
)
def test_options_that_contradict_llama_are_refused(option: str, instead: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"Llama does not take the option '{option}'\.\nUse {instead}"):
        open_engine(tmp_path / "none.gguf", None, "error", tmp_path, {option: True})


def test_folder_of_states_goes_with_its_owner() -> None:
    folder = StateFolder()
    path = folder.path
    assert path.is_dir()
    del folder
    gc.collect()
    assert not path.exists()


def test_stream_is_read_once() -> None:
    stream, _ = stream_of(streamed({"content": "a"}))
    assert list(stream) == ["a"]
    with pytest.raises(StateError, match=r"can be read once only"):
        list(stream)
    assert stream.reply.text == "a"


def echo(path: str, body: Mapping[str, Any]) -> Given:
    return said(body["messages"][-1]["content"].upper())


def mapped(prompts: Any, **options: Any) -> tuple[Iterator[Reply[Any]], FakeEngine]:
    it, engine = core()
    engine.answers = echo
    parallel = options.pop("parallel", 2)
    ordered = options.pop("ordered", True)
    return map_prompts(engine, it.plans("map", None, options), prompts, parallel, ordered=ordered), engine


@pytest.mark.parametrize("ordered", [True, False])
def test_map_yields_every_reply_with_its_number(ordered: bool) -> None:
    replies, _ = mapped([f"p{number}" for number in range(20)], ordered=ordered)
    found = [(reply.index, reply.text) for reply in replies]
    assert (found if ordered else sorted(found)) == [(number, f"P{number}") for number in range(20)]


def test_map_reads_only_as_far_as_there_is_room() -> None:
    read: list[int] = []

    def prompts() -> Iterator[str]:
        for number in range(100):
            read.append(number)
            yield str(number)

    replies, _ = mapped(prompts())
    assert next(replies).index == 0
    assert len(read) <= 4
    replies.close()  # type: ignore[attr-defined]  # a generator
    assert len(read) <= 4


def test_map_ends_with_the_first_error() -> None:
    replies, _ = mapped(["a", 3, "c"])
    with pytest.raises(InputError, match=r"A prompt must be a text"):
        list(replies)
    assert threading.active_count() < 20


class SlowFirst(FakeEngine):
    """Answers the prompt "0" when "2" was asked, and counts how many requests are under way."""

    def __init__(self) -> None:
        super().__init__(answers=echo)
        self.asked_for_2 = asyncio.Event()
        self.under_way = self.most = 0

    async def request_async(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> FakeAsyncResponse:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        prompt = (body or {})["messages"][-1]["content"]
        if prompt == "2":
            self.asked_for_2.set()
        if prompt == "0":
            await self.asked_for_2.wait()
        await asyncio.sleep(0)
        self.under_way -= 1
        return await super().request_async(method, path, body)


def test_a_slow_prompt_holds_no_other_up() -> None:
    async def main() -> None:
        it, _ = core()
        engine = SlowFirst()
        replies = map_prompts_async(engine, it.plans("map", None, {}), map(str, range(6)), 2, ordered=True)
        assert [reply.text async for reply in replies] == list("012345")
        assert engine.most == 2

    asyncio.run(asyncio.wait_for(main(), 30))


def test_many_prompts_share_one_grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def counted(kind: Any) -> Returns:
        made.append(kind)
        return returns_of(kind)

    monkeypatch.setattr("llamapack.llama.core.returns_of", counted)
    it, engine = core(said("true"), said("false"))
    plans = it.plans("map", bool, {"system": "Be brief"})
    assert [carry_out(engine, plans(prompt)).value for prompt in ("a", "b")] == [True, False]
    assert [body["messages"][1]["content"] for body in engine.bodies] == ["a", "b"]
    assert made == [bool]


def test_wrong_options_of_many_prompts_are_refused_before_the_first() -> None:
    it, _ = core()
    for options, message in (({"top_k": -1}, "top_k must be"), ({"system": 3}, "system must be a text")):
        with pytest.raises(InputError, match=message):
            it.plans("map", None, options)


def test_async_calls_are_the_same() -> None:
    async def main() -> None:
        it, engine = core(said("A"), streamed({"content": "b"}), said("C"))
        aio = AsyncLlama(it, Path())
        assert str(await aio("a")) == "A"
        stream = aio.stream("b")
        assert [piece async for piece in stream] == ["b"]
        assert (await stream.reply()).text == "b"
        talk = aio.chat(system="s")
        await talk("c")
        assert len(talk.messages) == 3
        engine.answers = echo
        assert [reply.text async for reply in aio.map(["x", "y", "z"])] == ["X", "Y", "Z"]
        assert sorted([reply.index async for reply in aio.map(iter("abcd"), ordered=False)]) == [0, 1, 2, 3]

    asyncio.run(main())


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
