"""The command `llamapack`: one file for each subcommand.

command         The command `llamapack`, its exit statuses and error messages.
chat            `llamapack chat`: talk to a model in the terminal, or by standard input.
run             `llamapack run`: answer one prompt.
images          `llamapack run` with images or audio: by `Llama`, which knows projectors.
serve           `llamapack serve`: answer clients of OpenAI's, Anthropic's and llama.cpp's interfaces.
serving         `llamapack ps` and `llamapack stop`: look at a server that runs, and unload its models.
info            `llamapack info`: the hardware, and what llamapack would use, with reasons.
doctor          `llamapack doctor`: what is installed, what works, and how to fix the rest.
fit             `llamapack fit`: how long a context fits into the memory that is free.
pull            `llamapack pull`: download a model.
models          `llamapack list`, `show`, `rm` and `cp`: the models of this machine, and names for them.
inspect         `llamapack inspect`: the metadata and tensors of a GGUF file, without loading it.
tokenize        `llamapack tokenize`: split a text into the model's tokens.
quantize        `llamapack quantize`: store a model's weights in fewer bits.
perplexity      `llamapack perplexity`: how well a model predicts a text.
pieces          Write an answer to standard output while it is generated.
progress        Progress bars for long work, on standard error if that is a terminal.
completion      Completion in shells.
parameters      What several commands take: models by path or name, and on what a model runs.
standard_input  Read a text from standard input.
"""

from __future__ import annotations

from llamapack.cli.command import BROKEN_PIPE, EXIT_STATUS, INTERRUPTED, cli, main

__all__ = ["BROKEN_PIPE", "EXIT_STATUS", "INTERRUPTED", "cli", "main"]
