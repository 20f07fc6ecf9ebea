"""A plugin of pytest for llama.cpp's tests of its server: stand-ins for their models, no network, and a report.

The report is a file with a line of JSON for each test: its name, how it ended, and where and why it did not pass. A
name is the file, the function, and the number of the case where the function has several.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.upstream_server.hub import HUB, MODELS, file_at, serving
from tests.support.upstream_server.loopback import require_loopback

REPORT = "LLAMAPACK_REPORT"
"""The file to write."""
LEFT_OUT = "LLAMAPACK_LEFT_OUT"
"""A file with the names of tests that are not run, one in a line."""
NO_DOWNLOADS = "LLAMAPACK_NO_DOWNLOADS"
"""Set for a program that takes the stand-ins from their folder."""
SECONDS = 60
"""The longest that a test waits for an answer."""
_open = ExitStack()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Start the hub, and lead to it all that would be asked of the real one, before llama.cpp's files are imported."""
    folder = Path(os.environ[MODELS])
    require_loopback()
    hub = _open.enter_context(serving(folder))
    os.environ["MODEL_ENDPOINT"] = hub
    sys.modules["wget"] = _wget(folder)
    _lead_requests_to(hub)
    Path(os.environ[REPORT]).write_text("")


def pytest_configure() -> None:
    """Have a program download its models at first, if it downloads any; not all programs start without a model."""
    presets: Any = importlib.import_module("utils").ServerPreset
    named = [name for name in vars(presets) if not name.startswith("_") and name not in ("load_all", "router")]
    presets.load_all = lambda: _download([] if NO_DOWNLOADS in os.environ else [getattr(presets, n) for n in named])


def _download(presets: list[Callable[[], Any]]) -> None:
    for preset in presets:
        server = preset()
        server.offline = False
        server.start()
        server.stop()


def pytest_unconfigure() -> None:
    """Stop the hub."""
    _open.close()


def _wget(folder: Path) -> ModuleType:
    """Return a module that takes the place of wget, and copies stand-ins."""

    def download(url: str, out: str) -> None:
        shutil.copyfile(file_at(folder, url), Path(out).resolve())

    module = ModuleType("wget")
    module.__dict__["download"] = download
    return module


def _lead_requests_to(hub: str) -> None:
    """Have `requests` ask the stand-in hub, send its addresses in bodies, and not wait for ever."""
    sessions = importlib.import_module("requests").Session
    ask: Callable[..., Any] = sessions.request

    def request(self: object, method: str, url: str, **given: Any) -> Any:
        if given.get("json") is not None:
            given["json"] = json.loads(json.dumps(given["json"]).replace(HUB, hub))
        given["timeout"] = min(given.get("timeout") or SECONDS, SECONDS)
        return ask(self, method, url.replace(HUB, hub), **given)

    sessions.request = request


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test its name for the report, and leave out what is not to be run."""
    counts = Counter(_function(item) for item in items)
    seen: Counter[str] = Counter()
    for item in items:
        function = _function(item)
        seen[function] += 1
        item.stash[_NAME] = function if counts[function] == 1 else f"{function}#{seen[function]}"
    left_out = set(Path(os.environ[LEFT_OUT]).read_text().split()) if LEFT_OUT in os.environ else set()
    gone = [item for item in items if left_out & {item.path.stem, _function(item), item.stash[_NAME]}]
    for item in gone:
        _write({"test": item.stash[_NAME], "outcome": "left out"})
    config.hook.pytest_deselected(items=gone)
    items[:] = [item for item in items if item not in gone]


_NAME = pytest.StashKey[str]()


def _function(item: pytest.Item) -> str:
    return f"{item.path.stem}::{getattr(item, 'originalname', item.name)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Write how a test ended: once, unless its teardown fails as well."""
    report = yield
    if report.when == "call" or report.outcome != "passed":
        row = {"test": item.stash[_NAME], "outcome": report.outcome}
        if report.outcome == "skipped":
            row["why"] = str(report.longrepr[2]).removeprefix("Skipped: ")
        elif call.excinfo is not None:
            row |= {"line": _line(item, call.excinfo), "why": str(call.excinfo.value)[:400]}
        _write(row)
    return report


def _line(item: pytest.Item, found: pytest.ExceptionInfo[BaseException]) -> int:
    """Return the line of the test at which it failed."""
    lines = [entry.lineno + 1 for entry in found.traceback if Path(entry.path) == item.path]
    return lines[-1] if lines else 0


def _write(row: dict[str, object]) -> None:
    with Path(os.environ[REPORT]).open("a") as file:
        print(json.dumps(row), file=file)
