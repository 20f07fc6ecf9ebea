"""Which files are models, which model a request names, and numbers of several runners."""

from __future__ import annotations

from pathlib import Path

import pytest
from llamapack.errors import InputError, ModelNotFoundError
from llamapack.server.metrics import grouped
from llamapack.server.naming import model_in
from llamapack.server.refusal import Refusal
from llamapack.server.runners.files import find_models


def test_models_of_folders_and_files(tmp_path: Path) -> None:
    for name in ("b", "a", "mmproj-a", "big-00001-of-00002", "big-00002-of-00002"):
        (tmp_path / f"{name}.gguf").touch()
    (tmp_path / "notes.txt").touch()
    empty = tmp_path / "empty"
    empty.mkdir()
    other = tmp_path / "other" / "c.gguf"
    found = find_models([tmp_path, other])
    assert list(found) == ["a", "b", "big", "c"]
    assert found["big"].path.name == "big-00001-of-00002.gguf"
    with pytest.raises(InputError, match="Two models are called 'a'"):
        find_models([tmp_path, tmp_path / "a.gguf"])
    with pytest.raises(ModelNotFoundError, match="has no models"):
        find_models([empty])


FORM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n'
    b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n--x--\r\n'
)


@pytest.mark.parametrize(
    ("body", "content_type", "query", "name"),
    [
        (b'{"model": "a"}', "application/json", "", "a"),
        (b'{"m\\u006fdel": "a"}', "text/plain", "model=b", "a"),
        (FORM, "multipart/form-data; boundary=x", "", "whisper"),
        (b"", "application/json", "model=a%20b", "a b"),
    ],
)
def test_the_name_of_the_model_in_a_request(body: bytes, content_type: str, query: str, name: str) -> None:
    assert model_in(body, content_type, query) == name


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"", ""), (b"{}", ""), (b'{"model": 5}', ""), (b"[]", ""), (b"x", "multipart/form-data")],
)
def test_a_request_without_a_name_is_wrong(body: bytes, content_type: str) -> None:
    with pytest.raises(Refusal) as caught:
        model_in(body, content_type, "")
    assert caught.value.status == 400


def test_numbers_of_several_runners_stand_together() -> None:
    head = ["# HELP a Text.", "# TYPE a counter"]
    lines = [*head, 'a{m="1"} 1', "b 2", *head, 'a{m="2"} 3']
    assert list(grouped(lines)) == [*head, 'a{m="1"} 1', 'a{m="2"} 3', "b 2"]
