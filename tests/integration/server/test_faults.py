"""A runner that dies or hangs, clients that go away, signals, ports in use: the server goes on, or says why not."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest

from tests.support.server.serving import LONG, SMALL, Served, runners_of, wait_until

CHAT = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 100_000, "ignore_eos": True, "stream": True}


@pytest.fixture
def served(serve: Callable[..., Served], model_path: Path) -> Iterator[Served]:
    served = serve(*SMALL, "--hang-seconds", "4", model=model_path)
    yield served
    assert served.end() == 0
    assert "Traceback" not in served.log


def lines(path: str, served: Served) -> list[str]:
    """Return the lines of a stream whose runner is killed after its first line."""
    body = {**CHAT, "input": "Hi"} if path.endswith("responses") else {**CHAT, "prompt": "Hi"}
    with served.begin("POST", path, body) as answer:
        first = answer.readline().decode()
        os.kill(served.runner, signal.SIGKILL)
        return [first, *answer.read().decode().splitlines()]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_a_stream_whose_runner_is_killed_ends_with_one_error(served: Served, path: str) -> None:
    found = [line for line in lines(path, served) if "model_process_ended" in line or "overloaded_error" in line]
    (event,) = found
    error = json.loads(event.removeprefix("data: "))["error"]
    assert "was ended by SIGKILL" in error["message"]
    assert "/" not in error["message"]
    wait_until(lambda: served.health()["status"] == "ok")
    health = served.model()
    assert health["restarts"] == 1
    assert "SIGKILL" in health["reason"]
    assert served.ask("POST", "/v1/completions", {"prompt": "Hi", "max_tokens": 2})[0] == 200


def test_openais_client_gets_an_exception_and_its_next_request_waits(served: Served) -> None:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client:
        stream = client.completions.create(model="any", prompt="One,", max_tokens=5000, stream=True)
        pieces = iter(stream)
        next(pieces)
        os.kill(served.runner, signal.SIGKILL)
        with pytest.raises(openai.APIError, match="was ended by SIGKILL"):
            list(pieces)
        assert client.completions.create(model="any", prompt="One,", max_tokens=2).choices[0].text


def test_one_that_waits_for_a_whole_answer_gets_a_503(served: Served) -> None:
    body = json.dumps({**LONG, "stream": False}).encode()
    with served.connect() as connection:
        head = f"POST /completion HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        wait_until(lambda: served.active() == 1)
        os.kill(served.runner, signal.SIGKILL)
        answer = connection.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 2\r\n" in answer.lower()


def test_a_runner_that_hangs_is_replaced(served: Served) -> None:
    before = served.runner
    os.kill(before, signal.SIGSTOP)
    status, _, _ = served.ask("POST", "/completion", {"prompt": "Hi", "n_predict": 2})
    assert status in (200, 503)
    wait_until(lambda: served.model()["restarts"] == 1)
    wait_until(lambda: served.health()["status"] == "ok")
    assert "gave no sign of life" in served.model()["reason"]
    assert served.runner != before
    assert served.ask("POST", "/completion", {"prompt": "Hi", "n_predict": 2})[0] == 200


def test_requests_wait_for_the_next_runner_when_somebody_tells_one_to_end(served: Served) -> None:
    before = served.runner
    with served.begin("POST", "/completion", LONG) as answer:
        answer.readline()  # which holds up its end
        os.kill(before, signal.SIGTERM)
        for path in ("/completion", "/tokenize", "/v1/chat/completions"):
            body = {"prompt": "Hi", "n_predict": 2, "content": "Hi", "messages": CHAT["messages"], "max_tokens": 2}
            assert served.ask("POST", path, body)[0] == 200
    assert served.runner != before


def test_one_that_goes_on_dying_is_started_with_pauses(serve: Callable[..., Served]) -> None:
    served = serve()
    for number in (1, 2):
        os.kill(served.runner, signal.SIGKILL)
        if number == 2:
            wait_until(lambda: served.model()["state"] == "waiting")
            status, error, headers = served.ask("POST", "/completion", {"prompt": "a"})
            assert (status, error["error"]["code"]) == (503, "model_not_ready")
            assert int(headers["retry-after"]) >= 1
        wait_until(lambda number=number: served.model()["restarts"] == number)  # type: ignore[misc]
        wait_until(lambda: served.health()["status"] == "ok")
    assert served.model()["restarts"] == 2
    assert re.search("is started again in 1 seconds", served.log)


def test_a_client_that_reads_nothing_holds_up_nobody(server: Served) -> None:
    body = json.dumps(LONG).encode()
    with server.connect() as slow:
        head = f"POST /completion HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        slow.sendall(head.encode() + body)
        wait_until(lambda: server.active() == 1)
        assert server.ask("POST", "/completion", {"prompt": "Hi", "n_predict": 4})[0] == 200
    wait_until(lambda: server.active() == 0)


def test_what_is_under_way_is_finished_before_the_end(serve: Callable[..., Served], model_path: Path) -> None:
    served = serve(*SMALL, model=model_path)
    with served.begin("POST", "/completion", {**LONG, "n_predict": 40}) as answer:
        answer.readline()
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(ConnectionError):
            served.ask("GET", "/health/live")
        events = answer.read().decode().strip().split("\n\n")
    assert json.loads(events[-1].removeprefix("data: "))["stop"] is True
    assert served.process.wait(10) == 0
    wait_until(lambda: runners_of(served.process.pid) == [])


def test_a_second_signal_ends_it_at_once(serve: Callable[..., Served], model_path: Path) -> None:
    served = serve(*SMALL, model=model_path)
    with served.begin("POST", "/completion", LONG) as answer:
        answer.readline()
        served.process.send_signal(signal.SIGINT)
        wait_until(lambda: "another signal ends it at once" in served.log)
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(10) == 0


def test_a_signal_while_a_line_is_logged_is_not_lost(serve: Callable[..., Served]) -> None:
    served = serve()
    for _ in range(20):
        served.ask("GET", "/health/live")
    assert served.end() == 0


def test_a_request_that_takes_too_long_is_ended(serve: Callable[..., Served], model_path: Path) -> None:
    served = serve(*SMALL, "--max-seconds", "1", model=model_path)
    status, error, _ = served.ask("POST", "/v1/completions", {**LONG, "stream": False})
    assert (status, error["error"]["code"]) == (504, "request_timeout")
    status, text, _ = served.ask("POST", "/v1/completions", LONG)
    assert status == 200
    *_, last = text.strip().split("\n\n")
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "request_timeout"
    wait_until(lambda: served.active() == 0, 2)


def test_requests_that_do_not_end_are_cut_off_when_the_server_is_to_end(
    serve: Callable[..., Served], model_path: Path
) -> None:
    served = serve(*SMALL, "--drain-seconds", "1", model=model_path)
    with served.begin("POST", "/completion", LONG) as answer:
        answer.readline()
        assert served.end() == 0
        *_, last = answer.read().decode().strip().split("\n\n")
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "shutting_down"
    assert "Traceback" not in served.log


def test_its_runner_ends_with_it_when_it_is_killed(serve: Callable[..., Served]) -> None:
    served = serve()
    runner = Path("/proc") / str(served.runner)
    served.kill()
    wait_until(lambda: not runner.exists() or ") Z" in (runner / "stat").read_text(encoding="utf-8"), 10)


def test_two_servers_at_one_port(serve: Callable[..., Served]) -> None:
    served = serve()
    second = serve("--port", str(served.port), wait=False)
    assert second.process.wait(20) == 2
    wait_until(lambda: "Another program listens there" in second.log)
    assert served.ask("GET", "/health/live")[0] == 200


def test_a_model_that_cannot_be_loaded_ends_it_with_the_reason(serve: Callable[..., Served], tmp_path: Path) -> None:
    gone = serve(model=tmp_path / "gone.gguf", wait=False)
    assert gone.process.wait(20) == 3
    assert "gone.gguf" in gone.log
    wrong = serve("-o", "ctx_sizes=3", wait=False)
    assert wrong.process.wait(20) == 2
    wait_until(lambda: "There is no engine option 'ctx_sizes'" in wrong.log)
    assert "Traceback" not in gone.log + wrong.log


def test_numbers_for_prometheus(server: Served) -> None:
    assert server.ask("POST", "/v1/completions", {"prompt": "Hi", "max_tokens": 2})[0] == 200
    status, text, headers = server.ask("GET", "/metrics")
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    numbers = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    model = 'model="SmolLM2-135M-Instruct.Q4_1"'
    assert float(numbers['llamapack_requests_total{route="/v1/completions",status="200"}']) >= 1
    assert float(numbers[f"llamacpp:tokens_predicted_total{{{model}}}"]) >= 2
    assert numbers[f"llamapack_model_restarts_total{{{model}}}"] == "0"


def test_it_needs_little_memory(serve: Callable[..., Served]) -> None:
    served = serve()
    assert served.ask("POST", "/v1/completions", {"prompt": "a", "max_tokens": 2})[0] == 200
    (line,) = [line for line in served.ask("GET", "/metrics")[1].splitlines() if 'process="server"' in line]
    assert float(line.split()[1]) < 60e6
