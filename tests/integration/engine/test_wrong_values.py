"""Values that nobody should send: each is answered, and the engine works on."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llamapack.engine import Engine

from tests.support.engine.requests import completed, marked

WHOLE = (
    *("n_predict", "n_keep", "n_discard", "n_probs", "min_keep", "top_k", "id_slot", "seed", "n", "n_cmpl", "n_indent"),
    *("mirostat", "repeat_last_n", "dry_penalty_last_n", "dry_allowed_length", "t_max_predict_ms", "n_cache_reuse"),
    *("reasoning_budget_tokens", "sse_ping_interval"),
)
REAL = (
    *("temperature", "top_p", "min_p", "typical_p", "xtc_probability", "xtc_threshold", "dynatemp_range"),
    *("dynatemp_exponent", "repeat_penalty", "presence_penalty", "frequency_penalty", "dry_multiplier", "dry_base"),
    *("mirostat_tau", "mirostat_eta", "top_n_sigma", "adaptive_target", "adaptive_decay"),
)
NUMBERS = (-(2**31), -1_000_000, -2, -1, 0, 1, 7, 2**31 - 1, 10**18, 1e-30, 1e30, 1e300)
OTHERS: tuple[Any, ...] = ("x", None, [], {}, True)
PROMPTS: tuple[Any, ...] = (
    *("", [], [[]], [1, 2, 3], [-1], [268], [10**6], [2**40], [1.5], ["a", 1, "b"], [["a", 1], ["b"]], {}, None, True),
    *(5, ["a"] * 50, [[1]] * 20, "\0a\0", "a" * 100_000, " " * 100_000, "<|im_end|>" * 10, {"prompt_string": "a"}),
    {"prompt_string": "a", "multimodal_data": ["aaaa"]},
)
REST: dict[str, tuple[Any, ...]] = {
    "prompt": PROMPTS,
    "stop": ([""], "", [1], ["a"] * 1000),
    "logit_bias": (
        [[1, 1e30]],
        [[10**9, 1]],
        [[-5, False]],
        {"a": 1, "5": -100},
        [[each, False] for each in range(268)],
    ),
    "samplers": ([], ["none"], "kfypmxt", ["top_k", "temperature"] * 50, 5),
    "lora": ([{"id": 0, "scale": 1}], [{"id": 5}], 5),
    "preserved_tokens": (["a", 5], [1]),
    "response_fields": (["a/b/c", ""], 5),
    "dry_sequence_breakers": ([], [5], [""]),
    "message_delimiters": ([{}], 5),
    "chat_format": (99, -1),
    "json_schema": (
        *({}, {"type": "none"}, {"$ref": "#"}, {"$ref": "#/a"}, {"$ref": "http://a/b"}, {"anyOf": []}, {"enum": []}, 5),
        *(
            {"anyOf": [{"$ref": "#"}]},
            {"type": ["string", 5]},
            {"properties": 5},
            {"type": "integer", "minimum": 10**30},
        ),
    ),
    "grammar": ('root ::= ("")*', 'root ::= (("a"?)*)*', "root ::= <none>", "root ::= [^]", 5, "x" * 100_000),
}
TRIGGERS: tuple[Any, ...] = (
    *([], [{"type": 1, "value": "hello"}], [{"type": 2, "value": "("}], [{"type": 3, "value": "(a+)+$"}], [{}], 5),
    *([{"type": 0, "value": "x", "token": token}] for token in (5, 10**9, -9)),
)
CHAT: dict[str, tuple[Any, ...]] = {
    "messages": (
        *(
            [],
            None,
            5,
            [{}],
            [5],
            [{"role": "user"}],
            [{"role": "x", "content": "a"}],
            [{"role": "tool", "content": "a"}],
        ),
        [{"role": "assistant", "content": None, "tool_calls": [{}]}],
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x"}}]}],
    ),
    "tools": ([], [{}], [{"type": "function"}], 5),
    "response_format": ({"type": "json_object"}, {"type": "json_schema"}, {"type": "x"}, 5),
    "tool_choice": ("required", {"type": "function"}),
    "chat_template_kwargs": ({"a": 5}, 5),
    "n": (0, 3, 50),
    "top_logprobs": (500,),
    "stream_options": (5,),
}
PATHS = (
    *(
        "/v1/responses",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/infill",
        "/v1/embeddings",
        "/rerank",
        "/tokenize",
    ),
    *("/detokenize", "/apply-template", "/lora-adapters", "/v1/audio/transcriptions", "/v1/chat/completions/control"),
    *("/slots/0?action=save", "/slots/0?action=restore", "/slots/-5?action=erase", "/slots/99999999999?action=erase"),
)
BODIES: tuple[Any, ...] = (
    *(b"", b"{}", b"[]", b"5", b"null", b'"x"', {"input": 5}, {"input": []}, {"input": [""]}, {"content": 5}),
    *(
        {"content": ["a", -5, 10**9]},
        {"tokens": [1, -1, 10**6]},
        {"tokens": ["a"]},
        {"filename": "../../x"},
        [{"id": -1}],
    ),
    *({"messages": [{"role": "user", "content": "a"}], "max_tokens": 2}, {"id": "x", "action": "reasoning_end"}),
)


def completions() -> Iterator[dict[str, Any]]:
    yield from ({name: value} for name in (*WHOLE, *REAL) for value in (*NUMBERS, *OTHERS))
    for name, values in REST.items():
        yield from ({name: value, "stream": stream} for value in values for stream in (False, True))
    yield from ({"grammar": 'root ::= "a"', "grammar_lazy": True, "grammar_triggers": each} for each in TRIGGERS)


def chats() -> Iterator[dict[str, Any]]:
    for name, values in CHAT.items():
        yield from ({name: value, "stream": stream} for value in values for stream in (False, True))


def requests() -> dict[str, Iterator[tuple[str, Any]]]:
    question = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
    return {
        "completions": (("/completion", {"prompt": "hello world", "n_predict": 3, **each}) for each in completions()),
        "chats": (("/v1/chat/completions", {**question, **each}) for each in chats()),
        "paths": ((path, body) for path, body in itertools.product(PATHS, BODIES)),
    }


@pytest.mark.parametrize("kind", requests())
def test_every_wrong_value_is_answered_and_the_engine_works_on(tiny: Path, tmp_path: Path, kind: str) -> None:
    answered = 0
    with Engine(tiny, ctx_size=256, parallel=4, threads=1, warmup=False, slot_save_path=tmp_path) as engine:
        for path, body in requests()[kind]:
            response = engine.request("POST", path, body)
            response.read()
            assert response.status in (200, 400, 404, 500, 501), (path, body)
            response.close()
            answered += 1
        assert completed(engine, marked("ok")) == "ok"
    assert answered > 50


def test_nothing_is_left_of_requests_that_are_over(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("the memory of the process is read in /proc, which this system does not have")
    # pytest would keep llama.cpp's warnings, several a request
    with caplog.at_level(logging.ERROR, "llamapack.native"), Engine(tiny, ctx_size=256, threads=1) as engine:
        _come_and_go(engine, 1000)
        before = int(status.read_text(encoding="ascii").split()[1])
        _come_and_go(engine, 2000)
        pages = int(status.read_text(encoding="ascii").split()[1]) - before
    assert pages * 4096 < 2**21  # a thousand bytes a request would be as much


def _come_and_go(engine: Engine, count: int) -> None:
    for number in range(count):
        response = engine.request("POST", "/completion", {**marked("ab"), "stream": number % 2 == 0})
        if number % 5:
            response.read()
        response.close()
