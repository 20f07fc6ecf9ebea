"""Images in requests of three interfaces, with a made projector: a good one is read, others do no harm."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ollama
import pytest

from tests.support.llama.media_files import noise, png, saved
from tests.support.reference.made_projectors import write_projector
from tests.support.server.serving import SMALL, Served

ROUTES = ("/v1/chat/completions", "/v1/messages", "/api/chat")


@pytest.fixture(scope="module")
def seeing(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    projector = write_projector(tmp_path_factory.mktemp("projector") / "mmproj.gguf", width=576)
    options = [word for word in SMALL if word not in ("-o", "context_shift=true", "warmup=false")]
    served = Served(model_path, *options, "-o", f"mmproj={projector}", "-o", "warmup=false")
    yield served
    assert served.end() == 0


def request(path: str, image: bytes) -> dict[str, Any]:
    """Return a request with an image, as clients of this route write it."""
    data = base64.b64encode(image).decode()
    begin = {"model": "any", "max_tokens": 4, "stream": False, "options": {"num_predict": 4}}
    if path == "/api/chat":
        return {**begin, "messages": [{"role": "user", "content": "What is this?", "images": [data]}]}
    part: dict[str, Any] = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    if path == "/v1/messages":
        part = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    return {**begin, "messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, part]}]}


@pytest.mark.parametrize("path", ROUTES)
def test_an_image_is_read(seeing: Served, path: str) -> None:
    status, answer, _ = seeing.ask("POST", path, request(path, saved(noise(), "PNG")))
    assert status == 200, answer


def test_ollamas_client_sends_images(seeing: Served) -> None:
    with ollama.Client(host=seeing.url) as client:
        assert client.show("any").capabilities == ["completion", "vision"]
        answer = client.generate("any", "What is this?", images=[saved(noise(), "PNG")], options={"num_predict": 4})
        assert answer.done


@pytest.mark.parametrize("path", ROUTES)
def test_one_that_is_too_large_or_of_a_rare_kind_is_refused(seeing: Served, path: str) -> None:
    before = seeing.runner
    for image in (png(60_000, 60_000, b"x"), b"8BPS" + bytes(100), b"GIF89a", b""):
        status, error, _ = seeing.ask("POST", path, request(path, image))
        assert 400 <= status < 500, error
    kind = {"Content-Type": "text/plain"}
    assert seeing.ask("POST", path, request(path, png(60_000, 60_000, b"x")), kind)[0] == 400
    assert seeing.runner == before
