"""Requests that want too much of the model's process: each is answered, and so is the next one."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.server.serving import Served, wait_until

CHAT = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
DEEP: dict[str, Any] = {}
for _ in range(300):
    DEEP = {"type": "object", "properties": {"a": DEEP}}
BOMB = "root ::= " + "(" * 6 + '"a"' + "{1,1000})" * 6
PATTERN = {"type": "string", "pattern": "^((a+)+)+$"}
LOOP = "root ::= root | root root"
ALTERNATIVES = " | ".join(f'"{number}"' for number in range(2_000))


CHATS: dict[str, tuple[dict[str, Any], set[int]]] = {
    "a grammar that grows": ({"grammar": BOMB}, {400}),
    "a grammar without an end": ({"grammar": LOOP}, {400}),
    "a grammar with 2,000 alternatives": ({"grammar": f"root ::= {ALTERNATIVES}"}, {200}),
    "a long word of a grammar": ({"grammar": 'root ::= "' + "a" * 1_000_000 + '"'}, {200, 400}),
    "a deep schema": ({"response_format": {"type": "json_object", "schema": DEEP}}, {200, 400}),
    "a pattern that grows": ({"response_format": {"type": "json_object", "schema": PATTERN}}, {200, 400}),
    "10,000 stop strings": ({"stop": [f"stop {number}" for number in range(10_000)]}, {200}),
    "a long stop string": ({"stop": ["a" * 1_000_000]}, {200}),
    "more than the context": ({"messages": [{"role": "user", "content": "long " * 20_000}]}, {400}),
    "too many probabilities": ({"max_tokens": 8, "n_probs": 10**9}, {200, 400}),
    "a bias of every token": ({"logit_bias": {str(number): 1 for number in range(20_000)}}, {200, 400}),
    "10,000 answers": ({"n": 10_000}, {200, 400}),
    "a deep tool": ({"tools": [{"type": "function", "function": {"name": "f", "parameters": DEEP}}]}, {200, 400}),
    "a template in a message": ({"messages": [{"role": "user", "content": "{{ range(10**9) | list }}"}]}, {200}),
    "a template": ({"chat_template": "{% for a in range(10**9) %}{{ a }}{% endfor %}"}, {200, 400}),
}


@pytest.mark.parametrize("what", CHATS)
def test_what_wants_too_much(server: Served, what: str) -> None:
    more, statuses = CHATS[what]
    check(server, "/v1/chat/completions", {**CHAT, **more}, statuses)


@pytest.mark.parametrize(
    ("path", "body", "statuses"),
    [
        ("/v1/completions", {"prompt": "long " * 20_000, "max_tokens": 2}, {400}),
        ("/v1/completions", {"prompt": ["a"] * 200, "max_tokens": 1}, {200}),
        ("/v1/embeddings", {"input": ["a"] * 10_000}, {400, 501}),
        ("/tokenize", {"content": "a" * 5_000_000}, {400}),
        ("/tokenize", {"content": "a " * 1_000_000}, {200}),
        ("/detokenize", {"tokens": [10**9] * 100}, {400}),
    ],
    ids=["long prompt", "many prompts", "many texts", "long word", "long text", "unknown tokens"],
)
def test_what_wants_too_much_elsewhere(server: Served, path: str, body: dict[str, Any], statuses: set[int]) -> None:
    check(server, path, body, statuses)


def check(server: Served, path: str, body: dict[str, Any], statuses: set[int]) -> None:
    before = server.runner
    status, answer, _ = server.ask("POST", path, body)
    assert status in statuses, str(answer)[:1000]
    if status != 200:
        assert answer["error"]["message"]
    assert server.ask("POST", "/v1/chat/completions", CHAT)[0] == 200
    assert server.runner == before


@pytest.mark.parametrize("what", ["deleted", "truncated"])
def test_a_model_whose_file_is_spoiled_while_it_is_served(
    serve: Callable[..., Served], tiny: Path, tmp_path: Path, what: str
) -> None:
    shutil.copy(tiny, path := tmp_path / "model.gguf")
    served = serve("-o", "load_mode=none", model=path)
    content = path.read_bytes()
    if what == "deleted":
        path.unlink()
    else:
        os.truncate(path, len(content) // 2)
    assert served.ask("POST", "/v1/completions", {"prompt": "a", "max_tokens": 2})[0] == 200  # it is in memory
    os.kill(served.runner, signal.SIGKILL)
    wait_until(lambda: served.model()["state"] == "waiting")
    status, error, headers = served.ask("POST", "/v1/completions", {"prompt": "a"})
    assert (status, error["error"]["code"]) == (503, "model_not_ready")
    assert int(headers["retry-after"]) >= 1
    assert served.model()["kind"] == "file"
    path.write_bytes(content)
    wait_until(lambda: served.health()["status"] == "ok")
    assert served.ask("POST", "/v1/completions", {"prompt": "a", "max_tokens": 2})[0] == 200


def test_half_open_connections(server: Served) -> None:
    """A thousand clients begin a request and send no more: others are told to come again, and answered afterwards."""
    half = []
    for _ in range(1000):
        connection = server.connect()
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        half.append(connection)
    status, answer, _ = server.ask("POST", "/v1/chat/completions", CHAT)
    assert status == 503, answer
    for connection in half[:600]:
        connection.close()
    wait_until(lambda: server.ask("POST", "/v1/chat/completions", CHAT)[0] == 200)
    for connection in half[600:]:
        connection.close()
    assert server.health()["requests"] == {"active": 0, "waiting": 0}
