"""A browser, and servers for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from llamapack.server.page import page_files

from tests.support.given import given_path
from tests.support.server.browser import Browser
from tests.support.server.serving import Served, runners_of, wait_until

SESSION = "nox -s test-browser"


@pytest.fixture(scope="session")
def model_path() -> Path:
    return given_path("LLAMAPACK_TEST_MODEL", SESSION)


@pytest.fixture(scope="session", autouse=True)
def _page() -> None:
    if not page_files():
        pytest.skip("this build has no page: it was made without npm", allow_module_level=True)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser that has seen no page yet; whatever a test does, it asks no other machine, and breaks no rule."""
    browser = Browser(tmp_path / "profile", given_path("LLAMAPACK_TEST_SCREENSHOTS", SESSION))
    try:
        yield browser
        browser.shoot("last")
        assert browser.elsewhere() == []
        assert browser.violations() == []
        assert [url for _, url in browser.requests if url.startswith("http")] != []
    finally:
        browser.close()


@pytest.fixture
def serve(model_path: Path) -> Iterator[Callable[..., Served]]:
    """Start servers, which are gone after the test."""
    started: list[Served] = []

    def start(*arguments: str, model: Path = model_path, **more: Any) -> Served:
        options = ("--ctx-size", "1024", "--parallel", "1", "--threads", "1", "-o", "warmup=false")
        started.append(Served(model, *options, *arguments, **more))
        return started[-1]

    yield start
    for served in started:
        served.kill()
        wait_until(lambda pid=served.process.pid: runners_of(pid) == [])  # type: ignore[misc]
