"""`llamapack inspect`, `tokenize`, `quantize` and `perplexity`, as people type them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from llamapack import gguf

from tests.support.children import Answer, command
from tests.support.gguf.files import encode, text, tiny_model


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(encode(tiny_model()).data)
    return path


def good(answer: Answer) -> str:
    assert (answer.status, answer.err) == (0, "")
    return answer.out


def test_inspect_shows_metadata_types_and_sizes(model_path: Path) -> None:
    lines = good(command("inspect", model_path)).splitlines()
    assert lines[0] == f"{model_path}: GGUF version 3, 93.8 MiB"
    rows = [line.split(maxsplit=2) for line in lines]
    assert ["llama.block_count", "uint32", "30"] in rows
    assert ["tokenizer.ggml.token_type", "array", "49152 x int32: 3, 3, 3, 3, 3, ..."] in rows
    template = next(row[2] for row in rows if row and row[0] == "tokenizer.chat_template")
    assert template.endswith("... (368 characters)")
    assert [line.split() for line in lines[-5:]] == [
        ["type", "tensors", "parameters", "size", "bits", "each"],
        ["Q4_1", "210", "106,168,320", "63.3", "MiB", "5.00"],
        ["Q8_0", "1", "28,311,552", "28.7", "MiB", "8.50"],
        ["F32", "61", "35,136", "137.2", "KiB", "32.00"],
        ["all", "272", "134,515,008", "92.1", "MiB", "5.74"],
    ]


def test_inspect_lists_the_tensors_if_asked(tiny: Path) -> None:
    lines = good(command("inspect", "--tensors", tiny)).splitlines()
    at = lines.index("All tensors")
    assert lines[at + 1].split() == ["name", "type", "shape", "size", "offset"]
    offset = gguf.read(tiny).tensors["token_embd.weight"].offset
    assert lines[at + 2].split() == ["token_embd.weight", "Q8_0", "32", "x", "268", "8.9", "KiB", str(offset)]
    assert len(lines) == at + 2 + 11


def test_inspect_as_json_has_everything(tiny: Path) -> None:
    facts = json.loads(good(command("inspect", "--json", tiny)))
    assert facts["metadata"]["llama.block_count"] == {"type": "uint32", "value": 1}
    assert facts["metadata"]["tokenizer.ggml.merges"] == {
        "type": "array",
        "items": "string",
        "length": 9,
        "first": ["h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d"],
    }
    assert facts["types"]["F32"] == {"tensors": 3, "parameters": 96, "size": 384}
    assert facts["tensors"][0] == {
        "name": "token_embd.weight",
        "shape": [32, 268],
        "type": "Q8_0",
        "file": 0,
        "offset": gguf.read(tiny).tensors["token_embd.weight"].offset,
        "size": 9112,
    }
    full = json.loads(good(command("inspect", "--json", "--full", tiny)))
    assert len(full["metadata"]["tokenizer.ggml.tokens"]["value"]) == 268


def test_inspect_shows_control_characters_and_bytes_harmlessly(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(encode(tiny_model().with_value("general.name", text(b"\x1b[31mred\xff\r[bold]"))).data)
    out = good(command("inspect", path))
    assert "\\x1b[31mred\\xff\\r[bold]" in out
    assert "\x1b" not in out


def test_inspect_refuses_what_is_no_model_with_status_3(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    path.write_bytes(b"hello, this is a text")
    answer = command("inspect", path)
    assert (answer.status, answer.out) == (3, "")
    assert answer.err.startswith(f"llamapack: The model {path} is not a GGUF file.\nIt begins with b'hell'")


def test_tokenize_shows_numbers_and_pieces(model_path: Path) -> None:
    out = good(command("tokenize", "-m", model_path, "Hello 世"))
    assert out == "  19556  'Hello'\n    216  ' '\n   7906  b'\\xe4\\xb8'\n    240  b'\\x96'\n"


def test_tokenize_takes_bytes_from_standard_input(model_path: Path) -> None:
    assert good(command("tokenize", "-m", model_path, "--ids", stdin=b"a\0b\n")) == "81 190 82 198\n"


def test_bytes_of_an_argument_are_taken_as_they_are(model_path: Path) -> None:
    argument = command("tokenize", "-m", model_path, "--ids", os.fsdecode(b"a\xffb"))
    assert argument.out == command("tokenize", "-m", model_path, "--ids", stdin=b"a\xffb").out
    assert argument.status == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell closes standard input here")
@pytest.mark.parametrize(("name", "what"), [("run", "PROMPT"), ("tokenize", "TEXT")])
def test_closed_standard_input_is_said(model_path: Path, name: str, what: str) -> None:
    words = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "llamapack", name, "-m", str(model_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"There is no {what}: standard input is closed." in done.stderr


def test_tokenize_counts_and_prints_json(tiny: Path) -> None:
    assert good(command("tokenize", "-m", tiny, "--count", "hello world")) == "2\n"
    facts = json.loads(good(command("tokenize", "-m", tiny, "--json", "hello")))
    assert facts == [{"id": 262, "text": "hello", "bytes": "68656c6c6f"}]


def test_tokenize_reads_control_tokens_only_if_asked(model_path: Path) -> None:
    plain = good(command("tokenize", "-m", model_path, "--ids", "<|im_start|>"))
    parsed = good(command("tokenize", "-m", model_path, "--ids", "--parse-special", "<|im_start|>"))
    assert (len(plain.split()) > 1, parsed) == (True, "1\n")


def test_quantize_writes_the_model_and_says_the_sizes(tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.gguf"
    answer = command("quantize", tiny, target, "q5_0", "--allow-requantize", "--tensor-type", "ffn_up=Q4_1")
    assert (answer.status, answer.out) == (0, "")
    assert answer.err == f"{target}: 0.0 MiB -> 0.0 MiB\n"
    types = {name: tensor.type.name for name, tensor in gguf.read(target).tensors.items()}
    assert (types["blk.0.ffn_up.weight"], types["blk.0.attn_q.weight"]) == ("Q4_1", "Q5_0")


def test_quantize_does_not_overwrite_unless_told(tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.gguf"
    target.write_bytes(b"mine")
    answer = command("quantize", tiny, target, "COPY")
    assert (answer.status, answer.err.splitlines()[0]) == (2, f"llamapack: {target} exists already.")
    assert target.read_bytes() == b"mine"
    assert command("quantize", "--force", tiny, target, "COPY").status == 0
    assert len(gguf.read(target).tensors) == 11


def test_quantize_lists_its_types() -> None:
    listed = good(command("quantize", "--types")).split()
    assert {"Q4_K_M", "Q8_0", "F16", "COPY", "Q4_K"} <= set(listed)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("quantize", "TINY", "out.gguf", "Q9"), 2, "There is no quantization 'Q9'."),
        (("quantize", "missing.gguf", "out.gguf", "Q8_0"), 3, "There is no file missing.gguf."),
        (("quantize", "TINY", "out.gguf", "Q8_0", "--tensor-type", "x"), 2, "--tensor-type needs REGEX=TYPE, not 'x'."),
        (("tokenize", "-m", "TINY", "--ids", "--count", "x"), 2, "Give only one of --ids, --count and --json."),
        (("perplexity", "-m", "TINY", "missing.txt"), 2, "'missing.txt': No such file or directory"),
        (("perplexity", "-m", "TINY", "TINY", "-c", "16384"), 2, "needs at least 32768."),
    ],
)
def test_wrong_input_is_one_message_and_a_status(
    tiny: Path, tmp_path: Path, arguments: tuple[str, ...], status: int, message: str
) -> None:
    answer = command(*(str(tiny) if word == "TINY" else word for word in arguments), cwd=tmp_path)
    assert (answer.status, answer.out) == (status, "")
    assert message in answer.err
    assert "Traceback" not in answer.err


def test_perplexity_prints_the_value_or_json(tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("hello world, how are you? " * 40, encoding="utf-8")
    options = ("-m", tiny, "-c", "64", "--chunks", "2", "-t", "1")
    shown = good(command("perplexity", *options, file))
    facts = json.loads(good(command("perplexity", *options, "--json", stdin=file.read_bytes())))
    assert shown == f"{facts['value']:.4f} +/- {facts['error']:.5f} (62 tokens, 2 chunks)\n"
    assert len(facts["running"]) == 2
    assert facts["running"][-1] == pytest.approx(facts["value"])


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals there")
def test_a_bar_is_shown_on_a_terminal_and_nowhere_else(tiny: Path, tmp_path: Path) -> None:
    import pty
    import subprocess

    words = [sys.executable, "-m", "llamapack", "quantize", str(tiny), str(tmp_path / "out.gguf"), "COPY"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(words, stderr=theirs, env={**os.environ, "TERM": "xterm"}) as child:
        os.close(theirs)
        shown = b""
        while block := read_terminal(ours):
            shown += block
    os.close(ours)
    assert child.returncode == 0
    assert b"tiny.gguf to COPY" in shown
    assert b"/11" in shown


def read_terminal(descriptor: int) -> bytes:
    """Read on; nothing where the other side is closed, which Linux calls an error."""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""


def test_help_needs_no_library_and_little_time() -> None:
    program = (
        "import sys, llamapack.cli; print(sorted({'ctypes', 'numpy', 'rich', 'llamapack._native'} & {*sys.modules}))"
    )
    from tests.support.children import python

    assert good(python(program)) == "[]\n"
    for name in ("run", "info", "inspect", "tokenize", "quantize", "perplexity"):
        assert good(command(name, "--help")).startswith(f"Usage: llamapack {name} ")
