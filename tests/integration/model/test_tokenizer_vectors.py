"""Tokens equal upstream's: its own vectors for every vocabulary, and random strings through its own tool."""

from __future__ import annotations

import json
import random
import re
import subprocess
import threading
from pathlib import Path

import llamapack
import pytest

from tests.support.reference.upstream import Reference
from tools.paths import TRACKING

VOCABULARIES = sorted((TRACKING / "models").glob("ggml-vocab-*.gguf"))
VECTORS = [path for path in VOCABULARIES if path.with_name(path.name + ".inp").exists()]
SEPARATOR = "\n__ggml_vocab_test__\n"
SEED = 1
WORDS = ["the", "Hello", "don't", "I'M", "world", "123", "3.14", "größe", "мир", "世界", "नमस्ते", "🌍", "\u0301"]
BLANKS = [" ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u3000", ".", ",", "!?", "...", "\x00", "\x7f", "_", "=="]


def test_upstreams_vocabularies_are_there() -> None:
    assert len(VECTORS) >= 15, f"{TRACKING} holds no vocabularies.\nRun: inv vendor.sync"


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem.removeprefix("ggml-vocab-"))
def test_upstreams_vectors_pass(path: Path) -> None:
    texts = path.with_name(path.name + ".inp").read_bytes().decode().split(SEPARATOR)
    lines = path.with_name(path.name + ".out").read_text(encoding="utf-8").splitlines()
    wanted = [[int(word) for word in line.split()] for line in lines]
    if texts[-1] == "":  # the file ends with a separator
        texts.pop()
    assert len(texts) == len(wanted)
    with llamapack.Model(path, vocab_only=True) as model:
        assert [model.vocab.tokenize(text, add_special=False) for text in texts] == wanted


# Upstream's tool dies of what would be code points beyond Unicode's last one.
BEYOND_UNICODE = re.compile(rb"[\xf5-\xf7]|\xf4[\x90-\xbf]")


def random_strings(seed: int, count: int) -> list[bytes]:
    """Return strings that upstream's tool survives, of every kind: bytes, letters of all scripts, words, blanks."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    strings: list[bytes] = []
    while len(strings) < count:
        string = random_string(chance)
        if not BEYOND_UNICODE.search(string):
            strings.append(string)
    return strings


def random_string(chance: random.Random) -> bytes:
    """Return one string."""
    kind, length = chance.randrange(4), chance.randrange(24)
    if kind == 0:
        return chance.randbytes(length)
    if kind == 1:
        return "".join(random_character(chance) for _ in range(length)).encode()
    if kind == 2:
        return "".join(chance.choice(chance.choice([WORDS, BLANKS])) for _ in range(length)).encode()
    return "".join(chance.choice("ab 01\n.'sSt") for _ in range(length)).encode()


def random_character(chance: random.Random) -> str:
    """Return a character, of any script or of a European one; no surrogate, which is none."""
    code = chance.choice([chance.randrange(0x250), chance.randrange(0x110000)])
    return chr(code) if not 0xD800 <= code < 0xE000 else "a"


def upstream_tokens(
    reference: Reference, model: Path, strings: list[bytes], marker: str, file: Path
) -> list[list[int]]:
    """Tokenize all strings in one run of llama-tokenize.

    It reads a control token between them as what it is, and tokenizes what is left and right of it apart.
    """
    separator = marker.encode()
    assert not any(separator in string for string in strings)
    file.write_bytes(separator.join([b"", *strings, b""]))
    tool: list[str | Path] = [reference.folder / "llama-tokenize", "-m", model, "--file", file]
    done = subprocess.run([*tool, "--no-escape", "--no-bos", "--ids"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    ids: list[int] = json.loads(done.stdout.splitlines()[-1])
    control = ids[0]
    parts: list[list[int]] = []
    for token in ids:
        if token == control:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts[:-1]


def check(reference: Reference, path: Path, marker: str, count: int, file: Path) -> tuple[list[bytes], list[bytes]]:
    """Compare the tokens of random strings; return the strings, and what becomes of their tokens."""
    strings = random_strings(SEED, count)
    wanted = upstream_tokens(reference, path, strings, marker, file)
    with llamapack.Model(path, vocab_only=True) as model:
        vocab = model.vocab
        found = [vocab.tokenize(string, add_special=False, parse_special=True) for string in strings]
        differing = [at for at in range(count) if found[at] != wanted[at]]
        assert [(strings[at], found[at], wanted[at]) for at in differing[:3]] == []
        return strings, [vocab.detokenize(tokens) for tokens in found]


def known_bytes(model: llamapack.Model) -> frozenset[int]:
    """Return the bytes that are tokens."""
    pieces = {model.vocab.piece(token) for token in range(len(model.vocab))}
    return frozenset(byte for byte in range(256) if bytes([byte]) in pieces)


def test_ten_thousand_random_strings_are_tokenized_as_upstream_does(
    model: llamapack.Model, model_path: Path, reference: Reference, tmp_path: Path
) -> None:
    strings, back = check(reference, model_path, "<|endoftext|>", 10_000, tmp_path / "strings.bin")
    known = known_bytes(model)
    exact = 0
    for string, text in zip(strings, back, strict=True):
        try:
            string.decode()
        except UnicodeDecodeError:
            assert "\ufffd" in text.decode(errors="replace")
            continue
        # this vocabulary lacks some bytes, which upstream leaves out
        if known.issuperset(string):
            assert text == string
            exact += 1
    assert exact > 5_000


@pytest.mark.parametrize(
    ("name", "marker"),
    [
        ("llama-spm", "</s>"),
        ("llama-bpe", "<|end_of_text|>"),
        ("gpt-2", "<|endoftext|>"),
        ("qwen2", "<|endoftext|>"),
        ("bert-bge", "[SEP]"),
        ("nomic-bert-moe", "</s>"),
        ("gemma-4", "<eos>"),
    ],
)
def test_every_kind_of_tokenizer_agrees_on_random_strings(
    reference: Reference, tmp_path: Path, name: str, marker: str
) -> None:
    path = TRACKING / "models" / f"ggml-vocab-{name}.gguf"
    strings, _ = check(reference, path, marker, 2_000, tmp_path / "strings.bin")
    assert len(set(strings)) > 1_500


def test_bytes_that_upstream_dies_of_are_tokenized_like_others_that_are_no_text(model: llamapack.Model) -> None:
    vocab = model.vocab
    for spelled in (b"\xf4\x90\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xf5\x80\x80\x80"):
        wanted = vocab.tokenize(b"a" + b"\xff" * 4 + b"b", add_special=False)
        assert vocab.tokenize(b"a" + spelled + b"b", add_special=False) == wanted
    assert vocab.detokenize(vocab.tokenize("\U0010ffff", add_special=False)).decode() == "\U0010ffff"


@pytest.mark.parametrize("character", ["a", ".", " ", "世"])
@pytest.mark.parametrize("name", ["deepseek-llm", "falcon"])
def test_a_long_run_without_a_break_does_not_exhaust_the_stack(name: str, character: str) -> None:
    text = character * 50_000
    with llamapack.Model(TRACKING / "models" / f"ggml-vocab-{name}.gguf", vocab_only=True) as model:
        tokens = model.vocab.tokenize(text, add_special=False)
        assert b"".join(model.vocab.piece(token) for token in tokens).decode() == text


@pytest.mark.parametrize("stack", [2**17, 2**20])
@pytest.mark.parametrize("length", [40, 400, 4_000])
def test_a_thread_with_a_small_stack_can_tokenize(stack: int, length: int) -> None:
    text, tokens = "a" * length, []
    with llamapack.Model(TRACKING / "models" / "ggml-vocab-deepseek-llm.gguf", vocab_only=True) as model:
        wanted = model.vocab.tokenize(text, add_special=False)
        before = threading.stack_size(stack)
        try:
            thread = threading.Thread(target=lambda: tokens.extend(model.vocab.tokenize(text, add_special=False)))
            thread.start()
        finally:
            threading.stack_size(before)
        thread.join()
    assert tokens == wanted
