"""llamapack-runner as a program: how it is started, what it says, when it ends."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import llamapack
import pytest
from llamapack.backends.cpu import choose_cpu

SECONDS = 60
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")


class Supervised:
    """A runner that was started with a configuration."""

    def __init__(self, variables: dict[str, str] | None = None, **configuration: Any) -> None:
        command = [str(llamapack.runner_path()), "--supervised"]
        pipe = subprocess.PIPE
        environment = {**os.environ, **(variables or {})}
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)
        told = {"libraries": [str(choose_cpu().level.path)], "api_key": "secret", **configuration}
        self.tell(json.dumps(told))

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def report(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return dict(json.loads(self.process.stdout.readline()))

    def until(self, state: str) -> dict[str, Any]:
        while (report := self.report())["state"] != state:
            assert report["state"] in ("listening", "loading")
        return report

    def ends(self) -> int:
        return self.process.wait(SECONDS)

    def clean_up(self) -> None:
        self.process.kill()
        self.process.communicate()


Start = Callable[..., Supervised]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as stack:

        def begin(**configuration: Any) -> Supervised:
            runner = Supervised(**configuration)
            stack.callback(runner.clean_up)
            return runner

        yield begin


@pytest.fixture
def started(tiny: Path, start: Start) -> Supervised:
    return start(options={"model": str(tiny), "threads": 1, "parallel": 1})


def ask(address: str, path: str, key: str = "secret") -> tuple[int, Any]:
    host, _, port = address.removeprefix("http://").rpartition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=SECONDS)) as connection:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_it_listens_on_loopback_with_its_key_before_the_model_is_there(started: Supervised) -> None:
    address = started.report()["address"]
    assert address.startswith("http://127.0.0.1:")
    assert started.until("ready") == {"state": "ready", "can_roll_back": True}
    assert ask(address, "/health") == (200, {"status": "ok"})
    assert ask(address, "/props")[0] == 200
    assert ask(address, "/props", key="guess")[0] == 401


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files")
def test_how_far_it_has_loaded_is_told_before_the_model_is_there(start: Start, tmp_path: Path) -> None:
    os.mkfifo(model := tmp_path / "model.gguf")  # to open it takes as long as nobody writes to it
    runner = start(options={"model": str(model)})
    address = runner.report()["address"]
    for path in ("/health", "/props"):
        status, body = ask(address, path)
        assert (status, body["status"], body["progress"]) == (503, "loading", 0)
        assert body["error"] == {"code": 503, "message": "Loading model", "type": "unavailable_error"}
    runner.process.communicate()  # ends it, whatever it is waiting for
    assert runner.process.returncode == 1


def test_variables_of_llama_server_change_nothing(start: Start, tiny: Path) -> None:
    taken = {"CTX_SIZE": "333", "N_PARALLEL": "7", "HOST": "::", "PORT": "1", "MODEL": "nowhere.gguf"}
    others = {"LLAMA_API_KEY": "other", "AIP_MODE": "PREDICTION", "AIP_HTTP_PORT": "http", "AIP_PREDICT_ROUTE": "/a"}
    variables = {f"LLAMA_ARG_{name}": value for name, value in taken.items()} | others
    options = {"model": str(tiny), "threads": 1, "parallel": 2, "ctx-size": 64}
    runner = start(variables=variables, options=options)
    address = runner.report()["address"]
    assert address.startswith("http://127.0.0.1:")
    runner.until("ready")
    assert ask(address, "/props", key="other")[0] == 401
    assert ask(address, "/props")[1]["total_slots"] == 2
    assert ask(address, "/nowhere")[1]["error"]["message"] == "there is no GET /nowhere"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no Unix sockets")
def test_it_listens_on_a_unix_socket(start: Start, tiny: Path, tmp_path: Path) -> None:
    place = tmp_path / "here.sock"
    runner = start(options={"model": str(tiny), "threads": 1}, host=str(place))
    assert runner.report() == {"state": "listening", "address": f"unix://{place}"}
    runner.until("ready")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(place))
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
    runner.process.communicate()
    assert not place.exists()


def test_it_ends_with_its_standard_input(started: Supervised) -> None:
    started.until("ready")
    began = time.monotonic()
    started.process.communicate()
    assert time.monotonic() - began < 2


def test_it_says_what_memory_a_model_takes_and_waits_for_the_word_to_load_it(start: Start, model_path: Path) -> None:
    needed = {}
    for context in (2048, 8192):
        options = {"model": str(model_path), "threads": 1, "parallel": 1, "ctx-size": context}
        runner = start(options=options, ask=True)
        runner.report()
        (host,) = runner.report()["devices"]
        assert (host["name"], host["free"], host["shares_host_memory"]) == ("", None, True)
        needed[context] = host["needed"]
        runner.tell("measure")
        assert runner.report() == {"state": "measured", "devices": [host], "error": ""}
    cache = (8192 - 2048) * 30 * 2 * 3 * 64 * 2  # tokens, layers, keys and values, heads, their width, bytes
    assert 0.9 * cache < needed[8192] - needed[2048] < 1.2 * cache  # buffers for computing may differ
    assert needed[2048] > model_path.stat().st_size * 0.9
    runner.tell("load")
    runner.until("ready")


@pytest.mark.parametrize("how", ["end of its input", "SIGTERM"])
def test_it_ends_while_it_waits_for_that_word(start: Start, tiny: Path, how: str) -> None:
    if how == "SIGTERM" and sys.platform == "win32":
        pytest.skip("there are no such signals")
    runner = start(options={"model": str(tiny), "threads": 1}, ask=True)
    assert [runner.report()["state"], runner.report()["state"]] == ["listening", "measured"]
    if how == "SIGTERM":
        runner.process.send_signal(signal.SIGTERM)
        assert runner.report() == {"state": "stopped"}
        assert runner.ends() == 0
    else:
        runner.process.communicate()
        assert runner.process.returncode == 1


def test_of_a_damaged_file_it_is_not_known_what_it_takes(start: Start, tiny: Path, tmp_path: Path) -> None:
    (wrong := tmp_path / "wrong.gguf").write_bytes(tiny.read_bytes()[:-1000])
    runner = start(options={"model": str(wrong)}, ask=True)
    runner.report()
    assert runner.report() == {"state": "measured", "devices": None, "error": "failed to load model"}
    runner.tell("load")
    assert runner.until("failed")["kind"] == "internal"


@needs_signals
def test_it_ends_when_it_is_asked_to(started: Supervised) -> None:
    started.until("ready")
    started.process.send_signal(signal.SIGINT)  # of a terminal: its supervisor's business
    started.process.send_signal(signal.SIGTERM)
    assert [started.report()["state"], started.report()["state"]] == ["draining", "stopped"]
    assert started.ends() == 0


@needs_signals
def test_requests_under_way_are_finished_first(start: Start, model_path: Path) -> None:
    runner = start(options={"model": str(model_path), "threads": 1, "parallel": 1, "ctx-size": 512})
    address = runner.report()["address"]
    runner.until("ready")
    host, _, port = address.removeprefix("http://").rpartition(":")
    body = json.dumps({"prompt": "One, two,", "n_predict": 200, "ignore_eos": True, "stream": True})
    with closing(http.client.HTTPConnection(host, int(port), timeout=SECONDS)) as connection:
        connection.request("POST", "/completion", body, {"Authorization": "Bearer secret"})
        stream = connection.getresponse()
        first = stream.read1()
        runner.process.send_signal(signal.SIGTERM)
        while (answer := ask(address, "/health"))[0] == 200:
            time.sleep(0.01)
        assert (answer[0], answer[1]["status"]) == (503, "draining")
        text = (first + stream.read()).decode()
    assert '"tokens_predicted":200' in text
    assert [runner.report()["state"], runner.report()["state"]] == ["draining", "stopped"]
    with pytest.raises(OSError, match="refused"):
        ask(address, "/health")
    assert runner.ends() == 0


@pytest.mark.parametrize(
    ("configuration", "kind", "error"),
    [
        ({"options": {"model": "MODEL", "ctx": 5}}, "options", "there is no option `ctx`"),
        ({"options": {"model": "MODEL", "port": 5}}, "options", "an engine listens nowhere"),
        ({"options": {"model": "MODEL"}, "libraries": ["libggml.so"]}, "options", "not absolute: libggml.so"),
        ({"options": {"model": "MODEL"}, "libraries": ["MODEL"]}, "options", "cannot be loaded"),
        ({"options": {"model": "nowhere.gguf"}}, "internal", "its log says why"),
        ({"options": {"model": "MODEL"}, "host": "192.0.2.1"}, "internal", "cannot listen on 192.0.2.1"),
        ({"options": {"model": "MODEL"}, "port": "http"}, "options", "the configuration cannot be read"),
        ({"options": {"model": "MODEL"}, "api_key": ""}, "options", "api_key is empty"),
    ],
)
def test_what_is_wrong_is_reported(
    start: Start, tiny: Path, configuration: dict[str, Any], kind: str, error: str
) -> None:
    runner = start(**json.loads(json.dumps(configuration).replace("MODEL", str(tiny))))
    report = runner.until("failed")
    assert (report["kind"], error in report["error"]) == (kind, True), report
    assert runner.ends() == 1


def run(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(llamapack.runner_path()), *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, timeout=SECONDS, check=False
    )


def test_requirements_are_told_without_a_model(tmp_path: Path) -> None:
    told = json.loads(run("--requirements", folder=tmp_path).stdout)
    assert set(told["cpu_levels"]) >= {choose_cpu().level.name}
    assert told["cpu_levels"][choose_cpu().level.name]["score"] > 0
    assert told["backends"] == []


def test_it_takes_the_arguments_of_llama_server(model_path: Path, tmp_path: Path) -> None:
    assert "--cache-reuse" in run("--help", folder=tmp_path).stdout
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["-m", str(model_path), "--port", str(port), "-c", "256", "-t", "1", "--no-warmup"]
    with subprocess.Popen(
        [str(llamapack.runner_path()), *arguments], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as server:
        assert server.stderr is not None
        assert any(b"listening on" in line for line in server.stderr)  # only then are signals caught
        assert ask(f"http://127.0.0.1:{port}", "/props")[1]["total_slots"] == 4
        # this is answered by the loop of tasks: a signal before it begins is lost, in llama-server, too
        assert len(ask(f"http://127.0.0.1:{port}", "/slots")[1]) == 4
        server.terminate()
        server.stderr.read()
        assert server.wait(SECONDS) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="its loader says where it looks")
def test_libraries_are_not_looked_for_in_the_current_folder(tiny: Path, tmp_path: Path) -> None:
    for library in llamapack.runner_path().parent.glob("lib*"):
        (tmp_path / library.name).write_bytes(b"not a library")
    done = run("-m", str(tiny), "--port", "0", "-lv", "9", "--check-tensors", "--help", folder=tmp_path)
    assert done.returncode == 0
    traced = run("--requirements", folder=tmp_path, LD_DEBUG="all").stderr
    assert "calling init" in traced
    assert str(tmp_path) not in traced
