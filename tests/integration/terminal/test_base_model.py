"""Gemma 3 270M, a model that was not trained to answer, and has no chat template."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import llamapack
from llamapack import Llama

from tests.support.children import command
from tests.support.reference.upstream import Reference
from tests.support.terminal.emulator import Terminal, words
from tools.paths import TRACKING

PROMPT = "1, 2, 3, 4, 5,"  # nearly all others have two tokens that are about as likely, and the batches decide
SMALL = ("-t", "1", "-c", "512", "--temp", "0", "-n", "9")


def test_a_chat_with_it_says_what_to_do_and_that_works(base_path: Path, tmp_path: Path) -> None:
    answer = command("chat", base_path, stdin=b"Hello")
    assert (answer.status, answer.out) == (2, "")
    lines = answer.err.splitlines()
    assert lines[0] == f"llamapack: {base_path.name} has no chat template."
    assert "base model" in lines[1]
    advice = shlex.split(lines[2].partition(": ")[2])
    assert advice[0] == "llamapack"
    assert advice[-1] == "TEXT"
    continued = command(*advice[1:-1], *SMALL, "-q", PROMPT)
    assert continued.status == 0, continued.err
    assert continued.out.strip()


def test_it_continues_a_text_as_upstreams_program_does(base_path: Path, reference: Reference, tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text(PROMPT, encoding="utf-8")
    with llamapack.Model(base_path, vocab_only=True) as model:
        library = model.cpu.level.path
    more = ("-no-cnv", "--no-display-prompt", "--simple-io", "--no-warmup")
    expected = reference.run(library, "llama-completion", "-m", base_path, "-f", tmp_path / "prompt.txt", *SMALL, *more)
    expected = expected.removesuffix("\n\n").removesuffix(" [end of text]\n")
    by_command = command("run", "-q", "--raw", "-m", base_path, *SMALL, PROMPT)
    assert by_command.out.removesuffix("\n") == expected
    with Llama(base_path, ctx_size=512, parallel=1, threads=1) as llm:
        assert llm.complete(PROMPT, temperature=0, max_tokens=9).text == expected


def test_it_chats_with_a_template_that_is_given(chat: Callable[..., Terminal], base_path: Path) -> None:
    template = TRACKING / "models" / "templates" / "google-gemma-2-2b-it.jinja"
    with Llama(base_path, ctx_size=1024, parallel=1, threads=1, chat_template_file=str(template)) as llm:
        expected = llm("What is a river?", temperature=0, max_tokens=12).text
    options = ("--chat-template", template, "--max-tokens", "12")
    with chat(*options, model=base_path) as terminal:
        terminal.wait(f"{base_path.name} | context 0 of 1024")
        terminal.enter("What is a river?")
        screen = terminal.wait("tokens, ")
    assert words(screen.partition("river?")[2].partition("[")[0]) == words(expected)
