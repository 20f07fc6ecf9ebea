"""The index on loopback answers as PyPI does: both forms of the simple API, metadata, yanked files, uploads."""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support.release.hollow import hollow_sdist, hollow_wheel
from tools.release import index
from tools.release.index import HTML, JSON, serve_index, yank

BOUNDARY = "a-boundary"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    with serve_index(folder) as address:
        yield address


def get(url: str, accept: str = "*/*") -> tuple[str, bytes]:
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 (loopback)
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return str(answer.headers["Content-Type"]), answer.read()


def form(fields: Mapping[str, str], name: str, content: bytes) -> bytes:
    """Return a form as twine and uv write it."""
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    parts = [f'{head}"{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()]
    parts.append(f'{head}"content"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n')
    return "".join(parts).encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def upload(url: str, name: str, content: bytes, **fields: str) -> str:
    """Upload a file; return the words of the answer's status line."""
    told = {":action": "file_upload", "protocol_version": "1", **fields}
    told.setdefault("sha256_digest", hashlib.sha256(content).hexdigest())
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    request = urllib.request.Request(f"{url}/legacy/", form(told, name, content), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return f"{answer.status}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.reason}"


class Links(HTMLParser):
    """Collects the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def links(page: bytes) -> list[dict[str, str | None]]:
    parser = Links()
    parser.feed(page.decode())
    return parser.found


def test_an_empty_index_lists_no_projects(url: str) -> None:
    kind, page = get(f"{url}/simple/", JSON)
    assert kind == JSON
    assert json.loads(page) == {"meta": {"api-version": "1.1"}, "projects": []}


def test_json_tells_all_of_a_file(url: str, folder: Path) -> None:
    path = hollow_wheel(folder, "lib-a", "1.0", python=">=3.11")
    hollow_sdist(folder, "lib-a", "1.0.post1")
    _, page = get(f"{url}/simple/lib-a/", JSON)
    answer = json.loads(page)
    assert (answer["name"], answer["versions"]) == ("lib-a", ["1.0", "1.0.post1"])
    sdist, wheel = sorted(answer["files"], key=lambda each: str(each["filename"]).endswith(".whl"))
    assert sdist["filename"] == "lib_a-1.0.post1.tar.gz"
    assert "core-metadata" not in sdist
    assert wheel["filename"] == path.name
    assert wheel["hashes"] == {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    assert (wheel["size"], wheel["yanked"], wheel["requires-python"]) == (path.stat().st_size, False, ">=3.11")
    metadata = get(f"{url}{wheel['url']}.metadata")[1]
    assert b"\nName: lib-a\n" in metadata
    assert wheel["core-metadata"] == {"sha256": hashlib.sha256(metadata).hexdigest()}
    assert get(f"{url}{wheel['url']}")[1] == path.read_bytes()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "text/html; charset=utf-8"),
        (f"{JSON}, {HTML};q=0.1, text/html;q=0.01", JSON),
        (f"{HTML};q=0.5, {JSON};q=0.2", f"{HTML}; charset=utf-8"),
        ("application/vnd.pypi.simple.latest+json", JSON),
    ],
)
def test_the_client_chooses_the_form(url: str, accept: str, kind: str) -> None:
    assert get(f"{url}/simple/", accept)[0] == kind


def test_a_form_that_is_not_there_is_refused(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="406"):
        get(f"{url}/simple/", "application/xml")


def test_html_says_the_same_as_json(url: str, folder: Path) -> None:
    path = hollow_wheel(folder, "lib", "1.0")
    yank(path, 'breaks "all"')
    entry = json.loads(get(f"{url}/simple/lib/", JSON)[1])["files"][0]
    (link,) = links(get(f"{url}/simple/lib/")[1])
    assert link == {
        "href": f"/files/{path.name}#sha256={entry['hashes']['sha256']}",
        "data-requires-python": ">=3.10",
        "data-core-metadata": f"sha256={entry['core-metadata']['sha256']}",
        "data-yanked": 'breaks "all"',
    }
    assert entry["yanked"] == 'breaks "all"'


def test_names_are_normalized_by_a_redirect(url: str, folder: Path) -> None:
    hollow_wheel(folder, "lib-a", "1.0")
    assert json.loads(get(f"{url}/simple/Lib_A/", JSON)[1])["name"] == "lib-a"


def test_unknown_projects_are_looked_for_upstream(folder: Path, tmp_path: Path) -> None:
    hollow_wheel(tmp_path / "other", "lib", "2.0")
    with serve_index(tmp_path / "other") as other, serve_index(folder, upstream=f"{other}/simple/") as url:
        assert json.loads(get(f"{url}/simple/lib/", JSON)[1])["versions"] == ["2.0"]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(f"{url}/simple/nothing/")


def test_nothing_outside_of_the_folder_is_served(url: str, folder: Path) -> None:
    (folder.parent / "secret.whl").write_bytes(b"secret")
    for path in ("/files/..%2Fsecret.whl", "/files/../secret.whl", "/secret.whl", "/files/nothing.whl"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(f"{url}{path}")


def test_an_upload_is_visible_at_once(url: str, folder: Path, tmp_path: Path) -> None:
    path = hollow_wheel(tmp_path, "lib", "1.0")
    assert upload(url, path.name, path.read_bytes()) == "200"
    assert (folder / path.name).read_bytes() == path.read_bytes()
    assert json.loads(get(f"{url}/simple/lib/", JSON)[1])["versions"] == ["1.0"]


def test_bytes_of_all_kinds_arrive_as_they_were(url: str, folder: Path, tmp_path: Path) -> None:
    path = hollow_wheel(tmp_path, "lib", "1.0")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("lib/data", bytes(range(256)) + b"\r\n--" + b"\r\n\r\n--other\r\n" + b"\n--a\r\n\n")
    assert upload(url, path.name, path.read_bytes()) == "200"
    assert (folder / path.name).read_bytes() == path.read_bytes()


def test_the_same_file_again_changes_nothing_and_another_is_refused(url: str, folder: Path, tmp_path: Path) -> None:
    path = hollow_wheel(tmp_path, "lib", "1.0")
    assert upload(url, path.name, path.read_bytes()) == "200"
    assert upload(url, path.name, path.read_bytes()) == "200"
    other = hollow_wheel(tmp_path / "other", "lib", "1.0", requires=["click"])
    assert upload(url, path.name, other.read_bytes()) == f"400 File already exists: {path.name} with other content"
    assert (folder / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("name", "fields", "answer"),
    [
        ("lib-1.0-py3-none-any.whl", {"sha256_digest": "0" * 64}, "400 lib-1.0-py3-none-any.whl is not what its"),
        ("lib-2.0-py3-none-any.whl", {}, "400 lib-2.0-py3-none-any.whl is not what its name says"),
        ("lib-1.0.whl", {}, "400 lib-1.0.whl is neither the name of a wheel nor of an sdist"),
        ("../lib-1.0-py3-none-any.whl", {}, "400 '../lib-1.0-py3-none-any.whl' is neither a wheel nor an sdist"),
        ("lib.txt", {}, "400 'lib.txt' is neither a wheel nor an sdist"),
        ("lib-1.0-py3-none-any.whl", {":action": "submit"}, "400 An upload has :action=file_upload"),
    ],
)
def test_a_wrong_upload_is_refused_and_leaves_nothing(
    url: str, folder: Path, tmp_path: Path, name: str, fields: Mapping[str, str], answer: str
) -> None:
    content = hollow_wheel(tmp_path, "lib", "1.0").read_bytes()
    assert upload(url, name, content, **fields).startswith(answer)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_a_damaged_file_is_refused(url: str, tmp_path: Path) -> None:
    content = hollow_wheel(tmp_path, "lib", "1.0").read_bytes()
    assert upload(url, "lib-1.0-py3-none-any.whl", content[: len(content) // 2]).startswith("400")


def test_a_file_over_the_limit_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert index.LARGEST_MB == 100  # PyPI's, for a project that was not given more
    monkeypatch.setattr(index, "LARGEST_MB", 1)
    assert upload(url, "lib-1.0-py3-none-any.whl", bytes(1_000_001)) == "400 File too large: the limit is 1 MB"


def test_an_interrupted_upload_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    path = hollow_wheel(tmp_path, "lib", "1.0")
    with serve_index(folder, interrupt=lambda name: name == path.name) as url:
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            upload(url, path.name, path.read_bytes())
        assert [each for each in folder.rglob("*") if each.is_file()] == []
