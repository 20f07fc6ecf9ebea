"""The page's files as they are sent, over a small made page; and what stands there without one."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from llamapack.server.exchange import Exchange
from llamapack.server.guard import Guard
from llamapack.server.page import Page, page_files
from llamapack.server.page.policy import content_security_policy
from llamapack.server.refusal import Api, Refusal
from llamapack.server.settings import Settings

HTML = "<!doctype html><script>let a = 1;</script><script src='x.js'></script>"
SCRIPT = "export const answer = 42;\n" * 100
TOKEN = "made"  # noqa: S105  # it is no secret
ICON = b"\x89PNG made"
Answer = tuple[int, Mapping[str, str], bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    static = tmp_path / "static"
    (static / "_app" / "immutable").mkdir(parents=True)
    (static / "index.html.gz").write_bytes(gzip.compress(HTML.encode(), mtime=0))
    (static / "_app" / "immutable" / "bundle.abc.js.gz").write_bytes(gzip.compress(SCRIPT.encode(), mtime=0))
    (static / "icon.png").write_bytes(ICON)
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    return static


def ask(page: Page, path: str, method: str = "GET", **headers: str) -> Answer:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"path": path, "method": method, "query_string": b"", "headers": given}
    asyncio.run(page.answer(Exchange(scope, receive, send, Api.OPENAI)))
    head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], head, b"".join(each.get("body", b"") for each in sent[1:])


def test_files_are_those_of_the_folder_and_nothing_else(folder: Path) -> None:
    files = page_files(folder)
    assert set(files) == {"/", "/index.html", "/icon.png", "/_app/immutable/bundle.abc.js"}
    assert files["/"] is files["/index.html"]
    assert Page(files).paths == set(files)


def test_text_is_sent_compressed_to_those_who_take_it(folder: Path) -> None:
    page = Page(page_files(folder))
    for accepted, packed in (("gzip, br", True), ("br;q=1, GZIP;q=0.5", True), ("*", True), ("gzip;q=0", False)):
        status, head, body = ask(page, "/_app/immutable/bundle.abc.js", accept_encoding=accepted)
        assert (status, head.get("content-encoding"), int(head["content-length"])) == (
            200,
            "gzip" if packed else None,
            len(body),
        )
        assert (gzip.decompress(body) if packed else body) == SCRIPT.encode()
        assert head["content-type"] == "text/javascript; charset=utf-8"
        assert head["vary"] == "accept-encoding"
    status, head, body = ask(page, "/icon.png", accept_encoding="gzip")
    assert (status, head["content-type"], body) == (200, "image/png", ICON)
    assert "content-encoding" not in head


def test_what_a_browser_has_is_not_sent_again(folder: Path) -> None:
    page = Page(page_files(folder))
    _, head, _ = ask(page, "/", accept_encoding="gzip")
    tag = head["etag"]
    assert head["cache-control"] == "no-cache"
    for shown in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, again, body = ask(page, "/", accept_encoding="gzip", if_none_match=shown)
        assert (status, again["etag"], body) == (304, tag, b"")
    assert ask(page, "/", if_none_match=tag)[0] == 200, "the same file, not compressed, is another answer"
    _, head, _ = ask(page, "/_app/immutable/bundle.abc.js")
    assert head["cache-control"] == "public, max-age=31536000, immutable"


def test_head_tells_the_same_without_a_body(folder: Path) -> None:
    page = Page(page_files(folder))
    status, head, body = ask(page, "/", "HEAD")
    assert (status, body) == (200, b"")
    assert int(head["content-length"]) == len(HTML)
    assert head["etag"] == ask(page, "/")[1]["etag"]


def test_the_policy_allows_the_scripts_of_the_page_alone(folder: Path) -> None:
    _, head, _ = ask(Page(page_files(folder)), "/")
    rules = dict(rule.split(" ", 1) for rule in head["content-security-policy"].split("; "))
    known = base64.b64encode(hashlib.sha256(b"let a = 1;").digest()).decode()
    assert rules["script-src"] == f"'self' 'sha256-{known}'"
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert {word for rule in rules.values() for word in rule.split() if ":" in word} == {"data:", "blob:"}
    assert head["x-content-type-options"] == "nosniff"
    assert head["x-frame-options"] == "DENY"
    assert "sha256" not in content_security_policy("<p>no script</p>")


@pytest.mark.parametrize(("on", "text"), [(True, "was made without npm"), (False, "is switched off")])
def test_without_a_page_the_address_says_so(tmp_path: Path, on: bool, text: str) -> None:
    page = Page(page_files(tmp_path), switched_on=on)
    assert page.paths == {"/"}
    status, head, body = ask(page, "/")
    assert (status, head["content-type"]) == (200, "text/plain; charset=utf-8")
    assert text in body.decode()


def test_a_folder_without_its_first_page_is_no_page(folder: Path) -> None:
    (folder / "index.html.gz").unlink()
    assert page_files(folder) == {}


def test_the_page_needs_no_token_and_may_be_linked_to(folder: Path) -> None:
    guard = Guard(Settings(token=TOKEN), page=Page(page_files(folder)).paths)
    link = {b"sec-fetch-site": b"cross-site", b"sec-fetch-dest": b"document"}

    def code(path: str, **more: Mapping[bytes, bytes]) -> str:
        try:
            guard.check(path, {b"host": b"localhost", **more.get("more", {})})
        except Refusal as refusal:
            return refusal.code
        return ""

    assert code("/") == code("/icon.png") == code("/", more=link) == ""
    assert code("/v1/models") == "invalid_api_key"
    assert code("/v1/models", more=link) == code("/health", more=link) == "origin_not_allowed"
    assert code("/icon.png", more={**link, b"sec-fetch-dest": b"script"}) == "origin_not_allowed"
    assert code("/", more={**link, b"sec-fetch-dest": b"iframe"}) == "origin_not_allowed"
    assert code("/", more={**link, b"origin": b"https://other.example"}) == "origin_not_allowed"
    assert code("/", more={b"host": b"other.example"}) == "host_not_allowed"
