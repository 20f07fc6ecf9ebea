"""Several models: found by name, loaded when asked for, unloaded when they are in the way or their time is over."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ollama
import openai
import pytest

from tests.support.server.serving import Served, runners_of, wait_until

ASK = {"prompt": "a", "max_tokens": 2}


@pytest.fixture(scope="session")
def folder(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models, one of which is damaged."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("first", "second"):
        shutil.copy(tiny, folder / f"{name}.gguf")
    (folder / "wrong.gguf").write_bytes(tiny.read_bytes()[:-1000])
    (folder / "mmproj-first.gguf").write_bytes(b"GGUF")
    return folder


def states(served: Served) -> dict[str, str]:
    return {model["name"]: model["state"] for model in served.health()["models"]}


def ask(served: Served, model: str, **more: Any) -> tuple[int, Any]:
    status, answer, _ = served.ask("POST", "/v1/completions", {**ASK, "model": model, **more})
    return status, answer


def llamapack(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "llamapack", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_models_are_loaded_when_asked_for_and_make_room(serve: Callable[..., Served], folder: Path) -> None:
    served = serve("--max-loaded", "1", model=folder)
    assert states(served) == {"first": "unloaded", "second": "unloaded", "wrong": "unloaded"}
    assert runners_of(served.process.pid) == []
    for name, other in (("first", "second"), ("second", "first"), ("first", "second")):
        status, answer = ask(served, name)
        assert (status, answer["model"]) == (200, name)
        assert states(served) == {name: "ready", other: "unloaded", "wrong": "unloaded"}
        assert len(runners_of(served.process.pid)) == 1
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client:
        assert sorted(model.id for model in client.models.list()) == ["first", "second", "wrong"]
        with pytest.raises(openai.NotFoundError, match=r"There is no model '\.\./first\.gguf' here"):
            client.completions.create(model="../first.gguf", prompt="a")
    assert served.ask("POST", "/v1/completions", ASK)[1]["error"]["code"] == "model_missing"
    assert served.ask("GET", "/props?model=second")[1]["model_alias"] == "second"
    assert served.ask("POST", "/v1/messages", {"model": "third"})[1]["error"]["type"] == "not_found_error"
    status, error = ask(served, "wrong")
    assert (status, error["error"]["code"]) == (503, "model_not_ready")
    assert "cannot be loaded" in error["error"]["message"]
    assert states(served)["wrong"] == "failed"
    assert ask(served, "first")[0] == 200
    assert served.end() == 0
    assert "Traceback" not in served.log


def test_as_many_as_may_stay_loaded_do(serve: Callable[..., Served], folder: Path) -> None:
    served = serve("--max-loaded", "2", "--keep-alive", "2", model=folder)
    answers: list[int] = []

    def many(name: str) -> None:
        answers.extend(ask(served, name)[0] for _ in range(5))

    threads = [threading.Thread(target=many, args=(name,)) for name in ("first", "second") * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 30
    assert states(served) == {"first": "ready", "second": "ready", "wrong": "unloaded"}
    wait_until(lambda: set(states(served).values()) == {"unloaded"}, 10)
    wait_until(lambda: runners_of(served.process.pid) == [], 10)


def test_more_models_than_places_take_turns(serve: Callable[..., Served], folder: Path) -> None:
    served = serve("--max-loaded", "1", model=folder)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda name=name: answers.append(ask(served, name)[0]))
        for name in ("first", "second") * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 8


def test_ollamas_client_with_several_models(serve: Callable[..., Served], folder: Path) -> None:
    served = serve("--max-loaded", "1", model=folder)
    options: Any = {"num_predict": 2}
    with ollama.Client(host=served.url) as client:
        assert client.ps().models == []
        assert [model.model for model in client.list().models] == ["first", "second"]  # the other cannot be read
        assert client.generate("first:latest", "a", raw=True, options=options, keep_alive="10m").done
        (running,) = client.ps().models
        assert running.model == "first"
        assert client.generate("first", "", keep_alive=0).done_reason == "unload"
        assert client.ps().models == []
        assert client.generate("second", "").done_reason == "load"
        assert [model.model for model in client.ps().models] == ["second"]
        assert client.show("first").modelinfo
        with pytest.raises(ollama.ResponseError, match="wrong cannot be read"):
            client.show("wrong")
        with pytest.raises(ollama.ResponseError, match="There is no model 'third' here") as caught:
            client.generate("third", "a")
        assert caught.value.status_code == 404
        assert client.generate("second", "a", raw=True, options=options, keep_alive=0).done
    wait_until(lambda: states(served)["second"] == "unloaded", 5)


def test_the_commands_that_look_at_a_server_and_unload(serve: Callable[..., Served], folder: Path) -> None:
    served = serve("--max-loaded", "1", model=folder)
    assert ask(served, "first")[0] == 200
    shown = llamapack("ps", "--url", served.url, "--json")
    assert {model["name"]: model["state"] for model in json.loads(shown.stdout)} == states(served)
    assert "first\tready\t" in llamapack("ps", "--url", served.url).stdout
    assert llamapack("stop", "first", "--url", served.url).returncode == 0
    assert states(served)["first"] == "unloaded"
    gone = llamapack("stop", "third", "--url", served.url)
    assert (gone.returncode, "There is no model 'third'" in gone.stderr) == (1, True)
    served.kill()
    nobody = llamapack("ps", "--url", served.url)
    assert (nobody.returncode, nobody.stderr.startswith("llamapack: There is no llamapack server at")) == (1, True)
