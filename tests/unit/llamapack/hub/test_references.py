"""The forms of references: what is taken, and what is refused with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from llamapack.errors import InputError
from llamapack.hub import (
    AliasReference,
    HubReference,
    OllamaReference,
    PathReference,
    Reference,
    UrlReference,
    parse,
)

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model.gguf", PathReference(path=Path("model.gguf"))),
        ("./qwen", PathReference(path=Path("./qwen"))),
        ("C:\\models\\a.gguf", PathReference(path=Path("C:\\models\\a.gguf"))),
        ("C:/models/a.gguf", PathReference(path=Path("C:/models/a.gguf"))),
        ("hf:org/repo", HubReference(repository="org/repo")),
        ("hf:org/repo:Q8_0", HubReference(repository="org/repo", tag="Q8_0")),
        ("hf:org/repo@v1.0", HubReference(repository="org/repo", revision="v1.0")),
        ("hf:org/repo:Q8_0@refs/pr/1", HubReference(repository="org/repo", tag="Q8_0", revision="refs/pr/1")),
        ("hf:org/repo/a.gguf", HubReference(repository="org/repo", file="a.gguf")),
        ("hf:org/repo/sub/a.gguf@abc", HubReference(repository="org/repo", file="sub/a.gguf", revision="abc")),
        ("ollama:qwen3", OllamaReference(name="qwen3")),
        ("ollama:qwen3:0.6b", OllamaReference(name="qwen3", tag="0.6b")),
        ("ollama:someone/model:1", OllamaReference(name="model", tag="1", namespace="someone")),
        ("ollama:hf.co/org/repo:Q8_0", OllamaReference(name="repo", tag="Q8_0", host="hf.co", namespace="org")),
        (
            f"https://example.org/a.gguf?x=1#sha256={DIGEST.upper()}",
            UrlReference(url="https://example.org/a.gguf?x=1", sha256=DIGEST, name="a.gguf"),
        ),
        (
            f"http://127.0.0.1:80/a.gguf#sha256={DIGEST}",
            UrlReference(url="http://127.0.0.1:80/a.gguf", sha256=DIGEST, name="a.gguf"),
        ),
        ("qwen", AliasReference(name="qwen")),
        ("qwen:small", AliasReference(name="qwen:small")),
    ],
)
def test_a_reference_has_one_form(text: str, expected: Reference) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hf:repo", "names no repository"),
        ("hf:../repo", "names no repository"),
        ("hf:org/..", "names no repository"),
        ("hf:org/a--b", "names no repository"),
        ("hf:org/repo:", "which is no tag"),
        ("hf:org/repo:Q8_0/a.gguf", "which is no tag"),
        ("hf:org/repo/../../a.gguf", "outside the repository"),
        ("hf:org/repo/a\\..\\b.gguf", "outside the repository"),
        ("hf:org/repo//etc/a.gguf", "outside the repository"),
        ("hf:org/repo/a.bin", "no .gguf file"),
        ("hf:org/repo@../x", "names no revision"),
        ("hf:org/repo@", "names no revision"),
        ("ollama:", "names no model of Ollama"),
        ("ollama:a/b/c/d", "names no model of Ollama"),
        ("ollama:../../x", "names no model of Ollama"),
        ("ftp://example.org/a.gguf", "no address of a web server"),
        ("http://example.org/a.gguf", "is not encrypted"),
        ("https://[example.org/a.gguf", "The address is wrong"),
        (f"https://example.org/a.bin#sha256={DIGEST}", "name of a .gguf file"),
        (f"https://example.org/..%2fa.gguf#sha256={DIGEST}", "name of a .gguf file"),
    ],
)
def test_a_wrong_reference_is_refused(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert says in str(caught.value)


def test_an_address_without_a_checksum_says_how_to_write_one() -> None:
    with pytest.raises(InputError) as caught:
        parse("https://example.org/a.gguf")
    assert caught.value.fix == (
        "Write https://example.org/a.gguf#sha256=DIGEST, with the 64 digits that `sha256sum` prints for the file."
    )


def test_an_address_of_the_hub_is_better_written_as_a_reference() -> None:
    with pytest.raises(InputError) as caught:
        parse("https://huggingface.co/org/repo/resolve/main/sub/a.gguf")
    assert caught.value.fix == "Write hf:org/repo/sub/a.gguf: the hub knows the checksum."


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(InputError) as caught:
        parse(f"https://me:secret@example.org/a.gguf#sha256={DIGEST}")
    assert "secret" not in str(caught.value)


def test_a_file_that_exists_is_always_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("qwen", "hf:org", "ollama:qwen3"):
        Path(name).touch()
        assert parse(name) == PathReference(path=Path(name))
