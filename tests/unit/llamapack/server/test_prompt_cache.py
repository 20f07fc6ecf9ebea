"""Which prompts begin alike, for which models there is a cache, and what is guessed of a runner."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llamapack.backends.cpu import CpuChoice, CpuLevel
from llamapack.runner.configuration import Wanted
from llamapack.server.prompt_cache import keys
from llamapack.server.prompt_cache.keys import key_of, why_off
from llamapack.server.prompt_cache.memory import Memory
from llamapack.server.prompt_cache.prefixes import Prefix, prefix_of
from llamapack.server.prompt_cache.slots import answered_slot, free_slot, newest_task, read_slots

CHAT = "/v1/chat/completions"
SYSTEM = {"role": "system", "content": "Be short. " * 500}


def chat(*texts: str, **more: Any) -> bytes:
    messages = [SYSTEM, *({"role": "user", "content": text} for text in texts)]
    return json.dumps({"messages": messages, **more}).encode()


def prefix(path: str, body: bytes) -> Prefix:
    found = prefix_of(path, body)
    assert found is not None
    return found


def shared(one: bytes, other: bytes, path: str = CHAT, other_path: str = CHAT) -> int:
    return prefix(path, one).shared(prefix(other_path, other).chain)


def test_chats_with_one_system_prompt_begin_alike_whatever_else_they_ask_for() -> None:
    one = chat("Hi", temperature=0, max_tokens=5, stream=True)
    other = json.dumps(dict(reversed(list(json.loads(chat("Hello there", seed=7)).items()))), indent=3).encode()
    assert shared(one, other) == 9 * 512
    assert shared(one, other, other_path="/chat/completions") == shared(one, other)
    assert shared(one, one) == len(prefix(CHAT, one).chain) * 512
    assert prefix(CHAT, chat("Hi", "Yes. " * 200)).begins_with(prefix(CHAT, chat("Hi")).chain[:-1])


def test_what_stands_before_the_messages_tells_chats_apart() -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    for more in ({"tools": tools}, {"chat_template_kwargs": {"enable_thinking": False}}):
        assert shared(chat("Hi"), chat("Hi", **more)) == 0
        assert shared(chat("Hi", **more), chat("Ho", **more)) >= 9 * 512


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", {"system": "Be short. " * 500, "messages": [{"role": "user", "content": "Hi"}]}),
        ("/v1/responses", {"instructions": "Be short. " * 500, "input": "Hi"}),
        ("/v1/responses", {"input": [SYSTEM, {"role": "user", "content": "Hi"}]}),
        ("/completion", {"prompt": "Be short. " * 500}),
        ("/v1/completions", {"prompt": list(range(1000))}),
    ],
)
def test_prompts_of_all_interfaces(path: str, body: dict[str, Any]) -> None:
    assert len(prefix(path, json.dumps(body).encode()).chain) >= 7


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, b'{"messages": [{"role": "user", "content": "Hi"}]}'),
        (CHAT, chat("Hi", cache_prompt=False)),
        (CHAT, chat("Hi", id_slot=1)),
        (CHAT, chat("Hi", lora=[{"id": 0, "scale": 1}])),
        (CHAT, b"{" * 100_000),
        (CHAT, b"\xff" * 3000),
        (CHAT, b"[" + b"1," * 3000 + b"1]"),
        (CHAT, json.dumps({"messages": "x" * 1000, "other": "y" * 3000}).encode()),
        ("/completion", json.dumps({"prompt": ["one prompt" * 300, "another"]}).encode()),
        ("/infill", json.dumps({"input_prefix": "x" * 3000, "input_suffix": "y"}).encode()),
        ("/v1/embeddings", json.dumps({"input": "x" * 3000}).encode()),
        (CHAT, json.dumps({"messages": [SYSTEM, {"content": [{"type": "image_url", "image_url": {}}]}]}).encode()),
        (CHAT, json.dumps({"messages": [SYSTEM]}).encode()[:-3] + b', {"ima\\u0067e": 1}]}'),
    ],
)
def test_what_is_short_or_has_images_or_does_without_a_cache_is_not_kept(path: str, body: bytes) -> None:
    assert prefix_of(path, body) is None


def test_a_text_about_images_is_a_text() -> None:
    assert prefix_of(CHAT, chat('{"image_url": 1}')) is not None


@pytest.fixture
def wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wanted:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libllamapack.so").write_bytes(b"1")
    monkeypatch.setattr(keys, "library_dir", lambda: tmp_path / "lib")
    names = {"c": "ctx_size", "no_slots": "no_slots"}
    monkeypatch.setattr(keys, "option_name", lambda name: names.get(name, name))
    monkeypatch.setattr(keys, "files_of", lambda _, value: str(value).split(","))
    (tmp_path / "m-00001-of-00002.gguf").write_bytes(b"first" * 100_000)
    (tmp_path / "m-00002-of-00002.gguf").write_bytes(b"second")
    (tmp_path / "cpu.so").write_bytes(b"cpu")
    level = CpuLevel(name="haswell", path=tmp_path / "cpu.so", features=(), score=1)
    return Wanted(
        path=tmp_path / "m-00001-of-00002.gguf",
        cpu=CpuChoice(level=level, reason=""),
        choice=None,  # type: ignore[arg-type]  # not looked at
        options={"ctx-size": 100, "threads": 1},
        libraries=(tmp_path / "cpu.so",),
        preload=(),
        folder=None,
        media_mark="x",
    )


def test_whatever_changes_the_numbers_has_another_folder(wanted: Wanted, tmp_path: Path) -> None:
    control = tmp_path / "control.gguf"
    control.write_bytes(b"c")
    found = [key_of(wanted)]
    for options in ({"c": 200}, {"ctx-size": 100, "cache-type-k": "q8_0"}, {"control-vector": str(control)}):
        found.append(key_of(replace(wanted, options=options)))
    control.write_bytes(b"cc")
    found.append(key_of(replace(wanted, options={"control-vector": str(control)})))
    for name in ("m-00002-of-00002.gguf", "lib/libllamapack.so", "cpu.so"):
        (tmp_path / name).write_bytes(b"something else")
        found.append(key_of(wanted))
    assert len(set(found)) == len(found)


def test_the_same_under_other_names_has_the_same_folder(wanted: Wanted) -> None:
    same = {"c": 100, "threads": 8, "alias": "other", "metrics": True, "cache-ram": 5}
    assert key_of(replace(wanted, options=same)) == key_of(wanted)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"embedding": True}, "vectors or scores"),
        ({"rerank": True}, "vectors or scores"),
        ({"lora": "a.gguf"}, "LoRA adapters"),
        ({"lora-scaled": "a.gguf:0.5"}, "LoRA adapters"),
        ({"spec-draft-model": "d.gguf"}, "draft model"),
        ({"spec-type": "ngram-mod,draft-mtp"}, "draft model"),
        ({"slot-save-path": "here"}, "slot_save_path is given"),
        ({"slots": False}, "switch off"),
        ({"no-slots": True}, "switch off"),
        ({"no-cache-prompt": True}, "switch off"),
        ({"spec-type": "none,ngram-mod", "embedding": False}, ""),
    ],
)
def test_models_without_a_cache(wanted: Wanted, options: dict[str, object], why: str) -> None:
    found = why_off(replace(wanted, options=options))
    assert (why in found) if why else found == ""


def slot(number: int, task: int | None, tokens: int = 10, *, busy: bool = False) -> dict[str, object]:
    more = {} if task is None else {"id_task": task, "n_prompt_tokens": tokens}
    return {"id": number, "is_processing": busy, **more}


def test_the_slot_to_restore_to_is_free_and_empty_if_one_is() -> None:
    slots = read_slots([slot(0, 5), slot(1, 9, busy=True), slot(2, 3, tokens=0), slot(3, None)])
    assert newest_task(slots) == 9
    assert free_slot(slots) == slots[3]
    assert free_slot(slots[:2]) == slots[0]
    assert free_slot(slots[1:2]) is None


def test_the_slot_that_answered_is_taken_if_it_is_clear_which() -> None:
    slots = read_slots([slot(0, 5), slot(1, 9), slot(2, 12, tokens=0), slot(3, 13, busy=True), slot(4, None)])
    assert answered_slot(slots, 5, ()) == slots[1]
    assert answered_slot(slots, 4, ()) is None
    assert answered_slot(slots, 4, {9}) == slots[0]
    assert answered_slot(slots, 9, ()) is None


def test_what_is_in_memory_is_forgotten_from_the_oldest() -> None:
    one, two, three = (prefix(CHAT, chat(letter * 5000)) for letter in "abc")
    memory = Memory(most_bytes=25, least_kept=1)
    for each in (one, two, three):
        memory.remember(each, 10)
    assert memory.shared(one) < 5200 < memory.shared(two)
    memory.forget(tuple(two.chain))
    assert memory.shared(two) < 5200 < memory.shared(three)
    memory.remember(one, 1000)
    assert memory.shared(three) < 5200 < memory.shared(one)
