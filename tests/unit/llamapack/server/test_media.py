"""Images and audio in requests: found wherever llama.cpp's server looks for them, and checked."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import Any

import pytest
from llamapack.server.media import check_media
from llamapack.server.refusal import Refusal


def block(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int) -> str:
    """Return an image in base64, of that size as its header says, but with pixels for 2 by 2 alone."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(2 * (b"\0" + bytes(6)))
    data = b"\x89PNG\r\n\x1a\n" + block(b"IHDR", header) + block(b"IDAT", rows) + block(b"IEND", b"")
    return base64.b64encode(data).decode()


def in_openai(image: str) -> Any:
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
    return {"messages": [{"role": "user", "content": [part]}]}


def in_responses(image: str) -> Any:
    return {"input": [{"content": [{"type": "input_image", "image_url": f"data:image/png;base64,{image}"}]}]}


def in_anthropic(image: str) -> Any:
    source = {"type": "base64", "media_type": "image/png", "data": image}
    return {"messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]}


def in_prompt(image: str) -> Any:
    return {"prompt": {"prompt_string": "a", "multimodal_data": [image]}}


def in_tool_result(image: str) -> Any:
    inner = {"type": "tool_result", "content": [{"type": "image", "source": {"type": "base64", "data": image}}]}
    return {"messages": [{"role": "user", "content": [inner]}]}


def as_audio(image: str) -> Any:
    part = {"type": "input_audio", "input_audio": {"data": image, "format": "wav"}}
    return {"messages": [{"role": "user", "content": [part]}]}


ALL = [in_openai, in_responses, in_anthropic, in_prompt, in_tool_result, as_audio]


@pytest.mark.parametrize("place", ALL)
def test_images_are_found_and_checked(place: Any) -> None:
    check_media(json.dumps(place(png(2, 2))).encode(), 1)
    with pytest.raises(Refusal, match="has 30000 x 30000 pixels, more than the 24000000 that are allowed") as caught:
        check_media(json.dumps(place(png(30000, 30000))).encode(), 1)
    assert caught.value.status == 400
    with pytest.raises(Refusal, match=r"is no image\. It is a file of kind psd"):
        check_media(json.dumps(place(base64.b64encode(b"8BPS\0\1" + bytes(20)).decode())).encode(), 1)
    with pytest.raises(Refusal, match="is not base64"):
        check_media(json.dumps(place("%%%%")).encode(), 1)


def test_keys_may_be_written_with_escapes() -> None:
    text = json.dumps(in_openai(png(30000, 30000))).replace("image_url", "\\u0069mage_url")
    with pytest.raises(Refusal, match="30000"):
        check_media(text.encode(), 1)


def test_too_many_are_refused() -> None:
    body = json.dumps({"prompt": {"multimodal_data": [png(2, 2)] * 3}}).encode()
    check_media(body, 3)
    with pytest.raises(Refusal, match="3 images and audio, more than 2") as caught:
        check_media(body, 2)
    assert caught.value.status == 413


def test_texts_are_left_alone() -> None:
    schema = {"properties": {"image_url": {"type": "object", "url": 5}, "source": {"type": "string"}, "data": "x"}}
    body = {"messages": [{"role": "user", "content": "data:image/png;base64,%%%"}], "tools": [schema]}
    check_media(json.dumps(body).encode(), 0)


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'"\xff"'])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        check_media(body, 1)
    assert caught.value.status == 400
