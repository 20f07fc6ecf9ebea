"""The web page of a server as it is started, what it is told of several models, and a browser that is opened."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llamapack.server.page import page_files

from tests.support.server.serving import Served, wait_until

TOKEN = "a-token-of-this-test"  # noqa: S105  # it is no secret
ASK = {"prompt": "a", "max_tokens": 2}
needs_page = pytest.mark.skipif(not page_files(), reason="this build has no page: it was made without npm")


@pytest.fixture(scope="session")
def two(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, and one that is damaged."""
    folder = tmp_path_factory.mktemp("two")
    for name in ("first", "second"):
        shutil.copy(tiny, folder / f"{name}.gguf")
    (folder / "wrong.gguf").write_bytes(tiny.read_bytes()[:-1000])
    return folder


def test_the_page_is_there_without_a_token_and_the_routes_are_not(serve: Callable[..., Served]) -> None:
    served = serve(env={"LLAMAPACK_API_KEY": TOKEN})
    for path in page_files() or ("/",):
        with served.begin("HEAD", path) as answer:
            assert (answer.status, answer.getheader("x-content-type-options")) == (200, "nosniff")
    for path in ("/v1/models", "/props", "/tools", "/../app.py", "/%2e%2e/files.py", "/index.html/", "/static/sw.js"):
        assert served.ask("GET", path)[0] == 401, path
    assert served.ask("POST", "/", {})[0] == 405
    assert served.ask("GET", "/", headers={"Host": "other.example"})[0] == 403
    assert served.end() == 0
    assert "Traceback" not in served.log


@needs_page
def test_all_files_of_the_page_are_sent_as_they_are(serve: Callable[..., Served]) -> None:
    served = serve()
    for path, file in page_files().items():
        with served.begin("GET", path) as answer:
            assert answer.read() == file.read(packed=False)
            assert "script-src 'self' 'sha256-" in (answer.getheader("content-security-policy") or "")


def test_the_page_can_be_left_out(serve: Callable[..., Served]) -> None:
    served = serve("--no-page")
    status, text, _ = served.ask("GET", "/")
    assert (status, "Its web page is switched off." in text) == (200, True)
    assert served.ask("GET", "/index.html")[0] == 404


def events_of(answer: Any, count: int) -> list[tuple[str, Any]]:
    """Return the next events of a stream: model and data."""
    found: list[tuple[str, Any]] = []
    while len(found) < count:
        line = answer.readline()
        assert line, "the stream has ended"
        if line.startswith(b"data: "):
            event = json.loads(line[6:])
            assert event["event"] == "status_change"
            found.append((event["model"], event["data"]))
    return found


def test_pages_are_told_of_several_models(serve: Callable[..., Served], two: Path) -> None:
    """The end of a server does not wait for those who listen: they would do so for as long as it runs."""
    served = serve("--drain-seconds", "3600", "--max-loaded", "1", model=two)
    props = served.ask("GET", "/props?autoload=false")[1]
    assert (props["role"], props["max_instances"], props["models_autoload"]) == ("router", 1, True)
    unloaded, loading, loaded = {"status": "unloaded", "exit_code": 0}, {"status": "loading"}, {"status": "loaded"}
    with served.begin("GET", "/models/sse") as answer:
        assert answer.getheader("content-type") == "text/event-stream"
        assert answer.readline() == b":\n"
        assert served.ask("GET", "/props?model=first&autoload=false")[1]["error"]["code"] == "model_not_loaded"
        assert served.ask("GET", "/props?model=third")[1]["error"]["code"] == "model_not_found"
        assert served.ask("POST", "/models/load", {"model": "first"})[1] == {"success": True}
        assert events_of(answer, 2) == [("first", loading), ("first", loaded)]
        props = served.ask("GET", "/props?model=first&autoload=false")[1]
        assert (props["model_alias"], props["ui"]) == ("first", True)
        assert served.ask("POST", "/v1/completions", {**ASK, "model": "second"})[0] == 200
        assert events_of(answer, 3) == [("first", unloaded), ("second", loading), ("second", loaded)]
        for _ in range(2):
            assert served.ask("POST", "/models/load", {"model": "wrong"})[1] == {"success": True}
            found = events_of(answer, 1)
            while found[-1] != ("wrong", {"status": "unloaded", "exit_code": 1}):
                found += events_of(answer, 1)
            wait_until(lambda: served.health()["models"][2]["state"] == "failed")
        entries = {each["id"]: each for each in served.ask("GET", "/v1/models")[1]["data"]}
        assert entries["wrong"]["status"] == {"value": "unloaded", "failed": True, "exit_code": 1}
        assert served.end() == 0
        assert answer.read().rstrip(b":\n") == b""
    assert "Traceback" not in served.log


@needs_page
def test_a_browser_is_opened_when_requests_are_answered(serve: Callable[..., Served], tmp_path: Path) -> None:
    program, opened = tmp_path / "browser", tmp_path / "opened"
    program.write_text(f'#!/bin/sh\necho "$1" > {opened}.new && mv {opened}.new {opened}\n', encoding="utf-8")
    program.chmod(0o755)
    served = serve("--open", env={"BROWSER": f"{program} %s"})
    wait_until(opened.exists)
    assert opened.read_text(encoding="utf-8") == f"{served.url}\n"
    assert served.health()["status"] == "ok"


def test_no_page_can_be_opened_where_there_is_none(tiny: Path) -> None:
    arguments = ["--open", *(["--no-page"] if page_files() else [])]
    command = [sys.executable, "-m", "llamapack", "serve", str(tiny), "--port", "0", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert ("contradict each other" if page_files() else "has no web page to open") in done.stderr
