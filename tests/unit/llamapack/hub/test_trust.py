"""What the hub may see and send: tokens, redirects, proxies, names and lists that are not to be trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from llamapack.errors import DownloadError, InputError, ModelError
from llamapack.hub import resolve
from llamapack.hub.transfer import transport

from tests.support.hub.models import DATA, files_in
from tests.support.hub.standing_in import Handler, Hub, answering, on_hub

KEY, OTHER = "hf_secret", "hf_other"


def test_a_token_goes_to_the_hub_only(one: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    one.key = KEY
    with pytest.raises(DownloadError, match="needs a token"):
        resolve("hf:org/repo")
    monkeypatch.setenv("HF_TOKEN", KEY)
    resolve("hf:org/repo")
    sent = {asked.server for asked in one.asked if "Authorization" in asked.headers}
    assert sent == {"hub"}


def test_a_token_may_be_stored_or_given(one: Hub, cache: Path) -> None:
    one.key = KEY
    (cache.parent / "token").parent.mkdir(parents=True)
    (cache.parent / "token").write_text(f"{KEY}\n")
    assert resolve("hf:org/repo").path.read_bytes() == DATA
    one.key = OTHER
    assert resolve("hf:org/repo", offline=False, token=OTHER).path.read_bytes() == DATA


def test_a_token_is_never_shown(one: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("HF_TOKEN", KEY)
    one.key = OTHER
    with caplog.at_level(0), pytest.raises(DownloadError) as caught:
        resolve("hf:org/repo")
    with pytest.raises(InputError) as strange:
        resolve("hf:org/repo", token=f"{KEY}\r\nHost: x")
    assert "secret" not in f"{caught.value!r}{caught.value}{strange.value}{caplog.text}"
    assert "secret" not in repr(transport.Transport(token=KEY))


def test_a_redirect_to_what_is_not_encrypted_is_refused(one: Hub) -> None:
    one.faults.append(on_hub(answering(302, Location="http://example.org/a.gguf"), "/resolve/"))
    with pytest.raises(DownloadError, match=r"redirects to http://example\.org, which is not encrypted"):
        resolve("hf:org/repo")


def test_a_repository_that_was_renamed_is_followed_with_the_token(one: Hub) -> None:
    one.key = KEY
    one.repositories["org/new"] = one.repositories.pop("org/repo")

    def renamed(handler: Handler) -> bool:
        if "org/repo" not in handler.path:
            return False
        handler.answer(307, headers={"Location": handler.path.replace("org/repo", "org/new")})
        return True

    one.faults.append(renamed)
    assert resolve("hf:org/repo", token=KEY).path.read_bytes() == DATA


def test_a_proxy_of_the_environment_is_used(one: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", one.address)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(transport, "ATTEMPTS", 1)
    with pytest.raises(ModelError):
        resolve("hf:org/repo")
    assert one.asked[0].path == "http://127.0.0.1:9/api/models/org/repo/revision/main"


def test_a_hub_that_is_not_encrypted_is_refused(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://me:secret@example.org")
    with pytest.raises(InputError, match=r"HF_ENDPOINT is 'http://example\.org'"):
        resolve("hf:org/repo")
    assert hub.asked == []


@pytest.mark.parametrize("address", ["https://[", "https://example.org:99999", "https://example.org:x"])
def test_a_hub_whose_address_is_wrong_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("HF_TOKEN", KEY)
    with pytest.raises(InputError, match="HF_ENDPOINT cannot be used"):
        resolve("hf:org/repo")


@pytest.mark.parametrize("name", ["../../a-Q8_0.gguf", "/etc/a-Q8_0.gguf", "x\\..\\a-Q8_0.gguf", "C:a-Q8_0.gguf"])
def test_a_name_that_leaves_the_cache_is_refused(hub: Hub, cache: Path, name: str) -> None:
    hub.put("org/repo", {name: DATA})
    with pytest.raises(DownloadError, match="outside its folder"):
        resolve("hf:org/repo")
    assert files_in(cache) == []


@pytest.mark.parametrize("name", ["a\x9b31m-Q8_0.gguf", "a\u202e-Q8_0.gguf", "\ud800-Q8_0.gguf", "a\x1b[m-Q8_0.gguf"])
def test_a_name_that_is_not_safe_to_show_is_refused(one: Hub, cache: Path, name: str) -> None:
    tree = json.dumps([{"type": "file", "path": name, "size": 1, "oid": "a" * 40}]).encode()
    one.faults.append(on_hub(lambda handler: handler.answer(200, tree), "/tree/"))
    with pytest.raises(DownloadError) as caught:
        resolve("hf:org/repo")
    assert str(caught.value).replace("\n", "").isprintable()
    assert files_in(cache) == []


@pytest.mark.parametrize("size", [-1, 1 << 63, 10**30, 1.5, None])
def test_a_size_that_no_file_has_is_refused(one: Hub, size: object) -> None:
    tree = json.dumps([{"type": "file", "path": "a-Q8_0.gguf", "size": size, "oid": "a" * 40}]).encode()
    one.faults.append(on_hub(lambda handler: handler.answer(200, tree), "/tree/"))
    with pytest.raises(DownloadError, match="answer is not as it should be"):
        resolve("hf:org/repo")


@pytest.mark.parametrize(
    "answer",
    [b"[" * 100_000, b"[]", b"{}", b"no JSON", b'{"sha": "../../x"}', b'{"sha": 1}', b'{"sha": "%s"}' % (b"g" * 40)],
)
def test_a_hub_that_answers_nonsense_is_an_error(one: Hub, cache: Path, answer: bytes) -> None:
    one.faults.append(on_hub(lambda handler: handler.answer(200, answer), "/revision/"))
    with pytest.raises(DownloadError, match="answer is not as it should be"):
        resolve("hf:org/repo")
    assert files_in(cache) == []


def test_a_checksum_that_is_a_path_is_refused(one: Hub) -> None:
    tree = b'[{"type": "file", "path": "a-Q8_0.gguf", "size": 1, "oid": "../../x"}]'
    one.faults.append(on_hub(lambda handler: handler.answer(200, tree), "/tree/"))
    with pytest.raises(DownloadError, match="answer is not as it should be"):
        resolve("hf:org/repo")
