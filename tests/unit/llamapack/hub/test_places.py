"""Models of Ollama's, of any address, and of the user's own names; and what the environment says."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from llamapack.errors import DownloadError, InputError, ModelFormatError, ModelNotFoundError
from llamapack.hub import aliases, aliases_file, remove_alias, resolve, set_alias
from llamapack.hub.settings import endpoint, find_token, hub_cache, is_offline, seconds

from tests.support.hub.models import files_in, model
from tests.support.hub.ollama import put_ollama
from tests.support.hub.standing_in import Handler, Hub, on_files, sha256

DATA = model(more=100_000)
PROJECTOR = model("projector")


@pytest.fixture
def ollama(cache: Path, tmp_path: Path) -> Path:
    """A folder of Ollama's with one model."""
    folder = tmp_path / "ollama"
    put_ollama(folder, "registry.ollama.ai/library/tiny/latest", model=DATA, projector=PROJECTOR)
    return folder


def test_a_model_of_ollama_is_read_where_it_is(ollama: Path) -> None:
    before = files_in(ollama)
    found = resolve("ollama:tiny")
    assert found.path == ollama / "blobs" / f"sha256-{sha256(DATA)}"
    assert found.projector == ollama / "blobs" / f"sha256-{sha256(PROJECTOR)}"
    assert (found.parts, found.draft, found.reference) == ((found.path,), None, "ollama:tiny")
    assert resolve("ollama:tiny:latest", offline=True).path == found.path
    assert files_in(ollama) == before


def test_a_model_of_ollamas_that_came_from_elsewhere(ollama: Path) -> None:
    put_ollama(ollama, "hf.co/org/repo/Q8_0", model=DATA)
    put_ollama(ollama, "registry.ollama.ai/someone/other/1b", model=DATA)
    assert resolve("ollama:hf.co/org/repo:Q8_0").path.read_bytes() == DATA
    assert resolve("ollama:someone/other:1b").path.read_bytes() == DATA


def test_a_model_that_ollama_does_not_have(ollama: Path) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        resolve("ollama:huge:70b")
    assert (caught.value.why, caught.value.fix) == ("It has: tiny:latest.", "Run: ollama pull huge:70b")


def test_a_model_that_ollama_has_not_all_of(ollama: Path) -> None:
    blob = ollama / "blobs" / f"sha256-{sha256(DATA)}"
    blob.write_bytes(DATA[:-1])
    with pytest.raises(ModelNotFoundError, match="has not all of"):
        resolve("ollama:tiny")


@pytest.mark.parametrize(
    "layers",
    [[], [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../x", "size": 1}], 3, None],
)
def test_a_list_of_ollamas_that_is_damaged(ollama: Path, layers: object) -> None:
    manifest = ollama / "manifests/registry.ollama.ai/library/tiny/latest"
    manifest.write_text(json.dumps({"layers": layers}))
    with pytest.raises(ModelFormatError):
        resolve("ollama:tiny")


def address(hub: Hub, data: bytes = DATA, digest: str = "") -> str:
    hub.blobs["file.gguf"] = data
    return f"{hub.files_address}/file.gguf#sha256={digest or sha256(data)}"


def test_a_file_of_an_address_is_kept_under_its_checksum(hub: Hub, tmp_path: Path) -> None:
    text = address(hub)
    found = resolve(text)
    assert found.path.read_bytes() == DATA
    assert files_in(tmp_path / "llamapack/downloads") == [f"{sha256(DATA)}/file.gguf"]
    hub.asked.clear()
    assert resolve(text).path == found.path
    assert resolve(text, offline=True).path == found.path
    assert hub.asked == []


def test_a_file_of_an_address_is_only_downloaded_if_it_may(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    text = address(hub)
    for options in ({"offline": True}, {"download": False}):
        with pytest.raises(ModelNotFoundError, match="not been downloaded"):
            resolve(text, **options)  # type: ignore[arg-type]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelNotFoundError):
        resolve(text)
    assert hub.asked == []


def test_a_file_with_another_checksum_is_refused(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="is not what it should be, and was deleted"):
        resolve(address(hub, digest="f" * 64))
    assert files_in(tmp_path / "llamapack/downloads") == []


def test_a_page_that_is_no_model_is_refused_before_it_is_downloaded(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelFormatError, match=r"file\.gguf is not a GGUF file"):
        resolve(address(hub, b"<html>" + b"x" * 1_000_000))
    assert files_in(tmp_path / "llamapack/downloads") == []


def test_a_download_of_an_address_goes_on_where_it_was(hub: Hub) -> None:
    def interrupt(name: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt(f"{name} of {total} bytes")

    text = address(hub)
    with pytest.raises(KeyboardInterrupt):
        resolve(text, progress=interrupt)
    hub.asked.clear()
    assert resolve(text).path.read_bytes() == DATA
    assert hub.downloads()[0].headers["Range"].startswith("bytes=")


def test_a_server_that_does_not_say_how_long_a_file_is(hub: Hub) -> None:
    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(DATA)

    hub.faults.append(on_files(answer))
    assert resolve(address(hub)).path.read_bytes() == DATA


def test_a_token_of_the_hub_does_not_go_to_other_servers(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    resolve(address(hub))
    assert [asked for asked in hub.asked if "Authorization" in asked.headers] == []


def test_a_name_of_the_users_stands_for_any_reference(hub: Hub, tmp_path: Path) -> None:
    hub.put("org/repo", {"a-Q8_0.gguf": DATA})
    (tmp_path / "b.gguf").write_bytes(DATA)
    set_alias("small", "hf:org/repo:Q8_0")
    set_alias("mine:1b", str(tmp_path / "b.gguf"))
    assert aliases() == {"mine:1b": str(tmp_path / "b.gguf"), "small": "hf:org/repo:Q8_0"}
    assert resolve("small").path.name == "a-Q8_0.gguf"
    assert resolve("small").reference == "small"
    assert resolve("mine:1b").path == tmp_path / "b.gguf"
    remove_alias("small")
    assert aliases() == {"mine:1b": str(tmp_path / "b.gguf")}
    with pytest.raises(ModelNotFoundError, match=r"Your names: mine:1b\."):
        resolve("small")


def test_a_path_in_the_list_is_a_whole_one(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    set_alias("one", "model.gguf")
    assert aliases() == {"one": str(tmp_path / "model.gguf")}


@pytest.mark.parametrize("name", ["", "a/b", "hf:x", "ollama:x", "a.gguf", "a b", "../a", "a:b:c"])
def test_a_name_that_could_be_something_else_is_refused(cache: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be a name"):
        set_alias(name, "model.gguf")


def test_a_name_for_a_name_is_refused(cache: Path) -> None:
    with pytest.raises(InputError, match="is a name itself"):
        set_alias("one", "other")
    with pytest.raises(InputError, match="There is no name 'one'"):
        remove_alias("one")


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"a": 1}'])
def test_a_list_that_is_damaged_is_an_error(cache: Path, text: str) -> None:
    aliases_file().parent.mkdir(parents=True)
    aliases_file().write_text(text)
    with pytest.raises(InputError, match="The list of names"):
        aliases()
    with pytest.raises(InputError, match="The list of names"):
        set_alias("one", "model.gguf")
    assert aliases_file().read_text() == text


def test_names_that_are_set_at_once_are_all_kept(cache: Path) -> None:
    threads = [threading.Thread(target=set_alias, args=(f"n{number}", "model.gguf")) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(aliases()) == 20


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "~/.cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/x", "HF_HOME": "/h"}, "/h/hub"),
        ({"HF_HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old"}, "/old"),
        ({"HF_HUB_CACHE": "/c", "HUGGINGFACE_HUB_CACHE": "/old"}, "/c"),
        ({"HF_HUB_CACHE": "/c", "LLAMA_CACHE": "/l"}, "/l"),
        ({"HF_HUB_CACHE": "~/c"}, "~/c"),
    ],
)
def test_the_folder_of_the_cache(
    cache: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    monkeypatch.delenv("HF_HOME")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert hub_cache() == Path(expected).expanduser().absolute()


def test_without_a_home_there_are_no_names(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("LLAMAPACK_CONFIG_DIR", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert aliases() == {}
    with pytest.raises(InputError, match="There is no home folder"):
        set_alias("small", "hf:org/repo")


def test_other_settings(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (endpoint(), is_offline(), find_token(), seconds()) == ("https://huggingface.co", False, None, 30.0)
    values = {"HF_ENDPOINT": "https://mirror.example/", "TRANSFORMERS_OFFLINE": "true", "HF_TOKEN": " hf_x\n"}
    for name, value in {**values, "HF_HUB_DOWNLOAD_TIMEOUT": "5"}.items():
        monkeypatch.setenv(name, value)
    assert (endpoint(), is_offline(), find_token(), seconds()) == ("https://mirror.example", True, "hf_x", 5.0)
    for wrong in ("0", "-1", "soon", "nan"):
        monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", wrong)
        assert seconds() == 30.0
    for long in ("inf", "1e300"):
        monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", long)
        assert seconds() == 1e6
