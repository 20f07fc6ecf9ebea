"""Bad requests to every route: each ends as an exception or an answer, and the next request works."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llamapack.engine import Engine, Upload
from llamapack.errors import InputError, LlamapackError, RequestError

from tests.support.engine.requests import completed, marked
from tests.support.gguf.files import Values, encode, tiny_model, uint32
from tests.support.reference.made_models import write_model
from tools.paths import CORE

ROUTES = CORE / "native" / "src" / "engine" / "routes.cpp"
MESSAGES = [{"role": "user", "content": "hi"}]
TALK = {"messages": MESSAGES, "max_tokens": 2}
WEATHER = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}

# A body that each route takes; paths of SAME lead to the same code.
GOOD: dict[str, Any] = {
    "/props": {},
    "/completion": {"prompt": "hi", "n_predict": 2, "temperature": 0.5, "stop": ["x"], "samplers": ["top_k"]},
    "/v1/completions": {"prompt": "hi", "max_tokens": 2, "logprobs": 1, "echo": False},
    "/v1/chat/completions": {**TALK, "tools": [{"type": "function", "function": WEATHER}], "tool_choice": "auto"},
    "/v1/chat/completions/control": {"id": "none", "action": "reasoning_end"},
    "/v1/responses": {"input": "hi", "max_output_tokens": 2},
    "/v1/audio/transcriptions": {"model": "x", "language": "en"},
    "/v1/messages": {**TALK, "system": "be brief"},
    "/infill": {"input_prefix": "a", "input_suffix": "b", "input_extra": [], "n_predict": 2},
    "/embeddings": {"content": "hi"},
    "/v1/embeddings": {"input": ["hi"], "encoding_format": "float"},
    "/rerank": {"query": "a", "documents": ["b", "c"], "top_n": 1},
    "/tokenize": {"content": "hi", "add_special": True, "parse_special": True, "with_pieces": True},
    "/detokenize": {"tokens": [5, 6]},
    "/apply-template": TALK,
    "/chat/completions/input_tokens": TALK,
    "/responses/input_tokens": {"input": "hi"},
    "/v1/messages/count_tokens": TALK,
    "/lora-adapters": [],
    "/slots/0?action=save": {"filename": "a.bin"},
}
SAME = {
    "/completions": "/completion",
    "/chat/completions": "/v1/chat/completions",
    "/responses": "/v1/responses",
    "/audio/transcriptions": "/v1/audio/transcriptions",
    "/embedding": "/embeddings",
    "/reranking": "/rerank",
    "/v1/rerank": "/rerank",
    "/v1/reranking": "/rerank",
    "/v1/chat/completions/input_tokens": "/chat/completions/input_tokens",
    "/v1/responses/input_tokens": "/responses/input_tokens",
}
# What these engines do not do: change their options, and hear.
NOT_TAKEN = {"/props": 501, "/v1/audio/transcriptions": 501}
# Routes for other models than those that write.
OTHER_MODELS = {"/infill": "coder", "/embeddings": "embedder", "/v1/embeddings": "embedder", "/rerank": "ranker"}
# Bodies that are no request at all, whatever the route: they must be refused.
BROKEN: dict[str, bytes] = {
    "broken UTF-8": b'{"prompt": "\xff\xfe", "content": "\xc3"}',
    "broken UTF-8 as a key": b'{"\xf0\x9f": 1}',
    "half of a surrogate pair": b'{"prompt": "\\ud800", "content": "\\udfff"}',
    "NaN": b'{"temperature": NaN, "prompt": "hi"}',
    "infinity": b'{"temperature": -Infinity, "prompt": "hi"}',
    "a number without end": b'{"temperature": 1e999999, "prompt": "hi"}',
    "cut off": b'{"prompt": "hi", "messages": [{"role":',
    "more behind it": b'{"prompt": "hi"} {"prompt": "hi"}',
    "NUL": b'{"prompt": "hi"\x00}',
    "a byte order mark in UTF-16": '{"prompt": "hi"}'.encode("utf-16"),
    "nested without end": b'{"prompt": ' + b"[" * 100_000,
    "a text": b'"text"',
    "a number": b"5",
    "nothing": b"",
}
WRONG: tuple[Any, ...] = (
    *(None, True, -1, 2**31, 2**63, 2**64, -(2**63), 1e308, -1e-320, 0.5, "", "x", "a\0b", "\N{PILE OF POO}" * 50),
    *([], {}, [None], [[]], [-1], [2**40], ["a", 1], [{}], {"a": {"b": []}}, {"type": "x"}, [{"role": "x"}]),
)


def bad_bodies(good: Any) -> Iterator[Any]:
    """Yield a good body with each field left out, and replaced by each wrong value."""
    if isinstance(good, list):
        yield from ([each] for each in WRONG)
        return
    for name in good:
        yield {key: value for key, value in good.items() if key != name}
        yield from ({**good, name: value} for value in WRONG)


def test_every_route_has_bad_requests() -> None:
    posted = re.findall(r'\{ "POST", "([^"]+)"', ROUTES.read_text(encoding="utf-8"))
    assert len(posted) > 25
    assert set(posted) == {*GOOD, *SAME} - {"/slots/0?action=save"}
    assert set(SAME.values()) <= set(GOOD)


SMALL: dict[str, Any] = {"ctx_size": 256, "parallel": 1, "threads": 1, "warmup": False}


@pytest.fixture(scope="module")
def sound(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("slots")
    with Engine(tiny, slot_save_path=folder, **SMALL) as engine:
        yield engine


@pytest.fixture(scope="module")
def for_route(sound: Engine, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Engine]]:
    """Open the engine that a route is for; those with other models are opened once."""
    folder = tmp_path_factory.mktemp("others")
    described = tiny_model()
    gaps: Values = {
        f"tokenizer.ggml.fim_{name}_token_id": uint32(at) for at, name in enumerate(("pre", "suf", "mid"), 5)
    }
    (folder / "coder.gguf").write_bytes(encode(replace(described, values={**described.values, **gaps})).data)
    write_model(folder / "ranker.gguf", "reranker", words="abcd")
    make: dict[str, Callable[[], Engine]] = {
        "coder": lambda: Engine(folder / "coder.gguf", **SMALL),
        "embedder": lambda: Engine(tiny, embedding=True, pooling="mean", **SMALL),
        "ranker": lambda: Engine(folder / "ranker.gguf", rerank=True, **SMALL),
    }
    with ExitStack() as stack:
        others = {kind: stack.enter_context(opened()) for kind, opened in make.items()}
        yield lambda path: others[OTHER_MODELS[path]] if path in OTHER_MODELS else sound


@pytest.mark.parametrize("path", GOOD)
def test_the_request_after_a_bad_one_works(for_route: Callable[[str], Engine], path: str) -> None:
    engine = for_route(path)

    def check_next() -> None:
        if path in OTHER_MODELS:
            assert engine.request("POST", path, GOOD[path]).status == 200
        else:
            assert completed(engine, marked("ok")) == "ok"

    check_next()
    assert engine.request("POST", path, GOOD[path]).status == NOT_TAKEN.get(path, 200)
    for body in BROKEN.values():
        with pytest.raises(RequestError) as caught:
            engine.request("POST", path, body).json()
        assert caught.value.status in (400, NOT_TAKEN.get(path)), body
        check_next()
    for body in bad_bodies(GOOD[path]):
        with engine.request("POST", path, body) as response:
            assert response.status in (200, 400, 404, 500, 501), body
            assert json.loads(response.read()) is not None
        check_next()


CALLS: dict[str, Any] = {
    "method": lambda engine, value: engine.request(value, "/health"),
    "path": lambda engine, value: engine.request("GET", value),
    "body": lambda engine, value: engine.request("POST", "/tokenize", value),
    "uploads": lambda engine, value: engine.request("POST", "/tokenize", {}, uploads=value),
    "upload": lambda engine, value: engine.request("POST", "/tokenize", {}, uploads={"a": value}),
    "data": lambda engine, value: engine.request("POST", "/tokenize", {}, uploads={"a": Upload(data=value)}),
    "file name": lambda engine, value: engine.request(
        "POST", "/tokenize", {}, uploads={"a": Upload(data=b"", file_name=value)}
    ),
}
DEEP: list[Any] = []
for _ in range(20_000):
    DEEP = [DEEP]
VALUES: tuple[Any, ...] = (
    *(5, -1, 10**400, math.nan, math.inf, True, "\ud800", "a\0b", [5], {5: 6}, {"a": math.nan}, b"x", object(), len),
)


@pytest.mark.parametrize("what", CALLS)
def test_arguments_of_other_types_are_our_errors(sound: Engine, what: str) -> None:
    refused = 0
    for value in (*VALUES, *([DEEP] if what == "body" else [])):
        try:
            CALLS[what](sound, value).json()
        except LlamapackError:
            refused += 1
        assert completed(sound, marked("ok")) == "ok"
    assert refused >= 8


NAMES = "dry, top_k, top_p, min_p, typ_p, temperature, xtc, infill, penalties, top_n_sigma, adaptive_p"
UNHEEDED: dict[str, tuple[dict[str, Any], str]] = {
    "a sampler": ({"samplers": ["top_k", "top_q"]}, "there is no sampler `top_q`: did you mean `top_k`?"),
    "a sampler of long name": ({"samplers": ["temprature"]}, "`temprature`: did you mean `temperature`?"),
    "nothing alike": ({"samplers": ["x" * 90]}, f"there is no sampler `{'x' * 40}...`: there are {NAMES}"),
    "a letter": ({"samplers": "kq"}, "no sampler has the letter `q`; names are given as an array"),
    "no names": ({"samplers": 5}, "`samplers` is neither an array of names nor a text of letters"),
    "numbers as names": ({"samplers": [5]}, "`samplers` is neither an array of names nor a text of letters"),
    "a token": ({"logit_bias": [[268, 1]]}, "`logit_bias` names token 268, but the model has those from 0 to 267"),
    "a huge token": ({"logit_bias": [[2**64 - 1, 1]]}, "`logit_bias` names token -1, but"),
    "a token as a key": ({"logit_bias": {"-5": 1}}, "`logit_bias` names token -5, but the model has those from 0"),
    "a bias": ({"logit_bias": [[5, "much"]]}, 'a bias in `logit_bias` is "much", which is neither a number nor false'),
    "a pair": ({"logit_bias": [[5]]}, "`logit_bias` has [5], which is no pair of a token and a bias"),
    "no biases": ({"logit_bias": 5}, "`logit_bias` is neither an array of pairs nor an object"),
}


@pytest.mark.parametrize("path", ["/completion", "/v1/chat/completions"])
@pytest.mark.parametrize("case", UNHEEDED)
def test_what_llama_cpp_would_pass_over_is_refused(sound: Engine, path: str, case: str) -> None:
    more, message = UNHEEDED[case]
    with pytest.raises(RequestError) as caught:
        sound.request("POST", path, {**TALK, "prompt": "hi", **more}).json()
    assert caught.value.status == 400
    assert message in str(caught.value)


def test_samplers_that_there_are_are_taken(sound: Engine) -> None:
    names = [*NAMES.split(", "), "top-k", "nucleus", "temp"]
    taken = sound.request("POST", "/completion", {"prompt": "hi", "n_predict": 1, "samplers": names}).json()
    assert taken["generation_settings"]["samplers"] == [*NAMES.split(", "), "top_k", "top_p", "temperature"]
    for more in ({"samplers": "edskypmxt"}, {"samplers": None}, {"logit_bias": [["hi", 1], [5, False]]}):
        assert sound.request("POST", "/completion", {"prompt": "hi", "n_predict": 1, **more}).status == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samplers": "top_k;tmp"}, 'the option `samplers` cannot be "top_k;tmp": there is no sampler `tmp`'),
        ({"sampler_seq": "kq"}, 'the option `sampler-seq` cannot be "kq": no sampler has the letter `q`'),
    ],
)
def test_samplers_that_there_are_not_are_no_options(tiny: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Engine(tiny, ctx_size=64, **options)
    assert message in str(caught.value)


LOOK = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/v1/messages", {"max_tokens": 1}, "'messages' is required"),
        ("/v1/chat/completions", {"messages": [LOOK]}, "image input is not supported"),
        ("/completion", {"prompt": []}, '"prompt" must not be empty'),
        ("/completion", {"prompt": "hi", "json_schema": {"type": "x"}}, '"json_schema"'),
    ],
)
def test_what_is_wrong_in_a_request_is_no_fault_of_the_engine(
    sound: Engine, path: str, body: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        sound.request("POST", path, body).json()
    assert (caught.value.status, caught.value.kind) == (400, "invalid_request_error")


def test_what_is_wrong_in_an_answer_is_no_fault_of_the_request(tiny: Path) -> None:
    """The template has the model answer in a form that a model with random weights does not know."""
    template = "{% for message in messages %}<|channel|>{{ message.content }}{% endfor %}"
    with Engine(tiny, chat_template=template, **SMALL) as engine:
        answer = engine.request("POST", "/v1/chat/completions", {**TALK, "max_tokens": 8, "temperature": 0})
        with pytest.raises(RequestError, match="The model produced output that does not match") as caught:
            answer.json()
    assert caught.value.status == 500
