"""huggingface_hub as a second client of the same cache, and as the one that downloads what is in Xet."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants, hf_hub_download, scan_cache_dir, snapshot_download, try_to_load_from_cache
from llamapack.errors import DownloadError, ModelError
from llamapack.hub import resolve
from llamapack.hub.transfer import hub_client

from tests.support.hub.models import files_in, model
from tests.support.hub.standing_in import COMMIT, Handler, Hub, on_files, on_hub, sha256

DATA = model(more=300_000)
PROJECTOR = model("projector", more=1000)
NAME = "models--org--repo"
FILES = {"sub/a-Q8_0.gguf": DATA, "sub/mmproj-a-F16.gguf": PROJECTOR, "README.md": b"words"}
KEY = "hf_secret"


@pytest.fixture
def one(hub: Hub) -> Hub:
    """A hub with a repository of one model and its projector."""
    hub.put("org/repo", FILES)
    return hub


@pytest.fixture
def xet(one: Hub, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """The same, and its files are in Xet; huggingface_hub gets them by HTTP, as there is no stand-in for Xet."""
    one.repositories["org/repo"].xet = True
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return one


def theirs(hub: Hub, cache: Path, name: str = "sub/a-Q8_0.gguf", *, local: bool = False) -> str:
    return hf_hub_download("org/repo", name, cache_dir=cache, endpoint=hub.address, token=False, local_files_only=local)


def test_it_finds_what_we_downloaded(one: Hub, cache: Path) -> None:
    found = resolve("hf:org/repo")
    one.asked.clear()
    assert theirs(one, cache, local=True) == str(found.path)
    assert try_to_load_from_cache("org/repo", "sub/mmproj-a-F16.gguf", cache_dir=cache) == str(found.projector)
    assert one.asked == []
    assert theirs(one, cache) == str(found.path)
    assert one.downloads() == []


def test_it_sees_our_cache_as_whole(one: Hub, cache: Path) -> None:
    resolve("hf:org/repo")
    scanned = scan_cache_dir(cache)
    assert scanned.warnings == []
    (repository,) = scanned.repos
    assert (repository.repo_id, repository.size_on_disk) == ("org/repo", len(DATA) + len(PROJECTOR))
    (revision,) = repository.revisions
    assert (revision.commit_hash, set(revision.refs)) == (COMMIT, {"main"})
    assert {file.file_name for file in revision.files} == {"a-Q8_0.gguf", "mmproj-a-F16.gguf"}


def test_it_takes_our_list_of_files_for_its_own(one: Hub, cache: Path) -> None:
    found = resolve("hf:org/repo")
    folder = snapshot_download("org/repo", cache_dir=cache, local_files_only=True, allow_patterns="*.gguf")
    assert Path(folder, "sub/a-Q8_0.gguf") == found.path


def test_we_find_what_it_downloaded(one: Hub, cache: Path) -> None:
    path = theirs(one, cache)
    one.asked.clear()
    found = resolve("hf:org/repo:Q8_0", offline=True)
    assert (str(found.path), found.projector) == (path, None)
    assert resolve("hf:org/repo:Q8_0") == found
    assert one.asked == []


def test_we_find_what_it_downloaded_with_its_list_of_files(one: Hub, cache: Path) -> None:
    folder = snapshot_download("org/repo", cache_dir=cache, endpoint=one.address, token=False)
    one.asked.clear()
    found = resolve("hf:org/repo")
    assert found.path == Path(folder, "sub/a-Q8_0.gguf")
    assert found.projector == Path(folder, "sub/mmproj-a-F16.gguf")
    assert one.asked == []


def test_we_download_only_what_it_did_not(one: Hub, cache: Path) -> None:
    theirs(one, cache)
    one.asked.clear()
    assert resolve("hf:org/repo", offline=False).projector is not None
    assert {asked.path.partition("?")[0].strip("/") for asked in one.downloads()} == {sha256(PROJECTOR)}


def test_what_is_in_xet_is_downloaded_by_it(xet: Hub, cache: Path) -> None:
    told: list[tuple[str, int, int]] = []
    found = resolve("hf:org/repo", progress=lambda *each: told.append(each))
    assert found.path.read_bytes() == DATA
    assert found.projector is not None
    assert ("sub/a-Q8_0.gguf", len(DATA), len(DATA)) in told
    agents = {asked.headers["User-Agent"].partition("/")[0] for asked in xet.downloads()}
    assert agents == {"llamapack", "unknown"}  # for the header, and huggingface_hub
    assert [name for name in files_in(cache) if "incomplete" in name] == []


@pytest.mark.parametrize("variable", ["HF_HUB_DISABLE_XET", "HF_HUB_OFFLINE"])
def test_we_download_what_is_in_xet_if_it_may_not(xet: Hub, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    assert resolve("hf:org/repo", offline=False).path.read_bytes() == DATA
    assert {asked.headers["User-Agent"] for asked in xet.downloads()} == {"llamapack"}


def test_we_download_what_is_in_xet_if_it_is_not_installed(xet: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_client.importlib.util, "find_spec", lambda _: None)  # type: ignore[attr-defined]
    assert resolve("hf:org/repo").path.read_bytes() == DATA
    assert {asked.headers["User-Agent"] for asked in xet.downloads()} == {"llamapack"}


def test_what_it_downloaded_is_checked(xet: Hub, cache: Path) -> None:
    wrong = DATA[:-1] + bytes([DATA[-1] ^ 1])
    xet.faults.append(on_files(lambda handler: handler.answer(200, wrong)))
    with pytest.raises(DownloadError) as caught:
        resolve("hf:org/repo")
    assert caught.value.why == f"Its checksum is {sha256(wrong)}, not {sha256(DATA)}."
    assert [name for name in files_in(cache) if "/blobs/" in name or "/snapshots/" in name] == []


def test_a_token_goes_with_it_and_is_not_shown(
    xet: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    xet.key = KEY
    monkeypatch.setenv("HF_TOKEN", KEY)
    with caplog.at_level(0):
        assert resolve("hf:org/repo").path.read_bytes() == DATA
        assert {asked.server for asked in xet.asked if "Authorization" in asked.headers} == {"hub"}

        def refuse(handler: Handler) -> None:
            handler.answer(403, headers={"X-Error-Code": "GatedRepo"})

        xet.put("org/repo", {"a-Q8_0.gguf": model("other", more=10)}, commit="f" * 40)
        xet.faults.append(on_hub(refuse, "/resolve/"))
        with pytest.raises(ModelError) as caught:
            resolve("hf:org/repo@" + "f" * 40)
    assert KEY not in f"{caught.value!r}{caught.value}{caplog.text}"
