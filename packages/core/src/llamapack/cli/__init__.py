"""The command `llamapack`: one file for each subcommand.

command         The command `llamapack`.
run             `llamapack run`: answer one prompt.
info            `llamapack info`: what this machine has and what would be used, with reasons.
doctor          `llamapack doctor`: what is installed, what works, and what to do about the rest.
inspect         `llamapack inspect`: what a GGUF file says of itself, without loading it.
tokenize        `llamapack tokenize`: a text as the model's tokens.
quantize        `llamapack quantize`: store a model's weights in fewer bits.
perplexity      `llamapack perplexity`: how surprised a model is by a text.
progress        Bars for long work: on standard error, and only where somebody watches.
standard_input  A text that is piped in.
"""

from __future__ import annotations

from llamapack.cli.command import BROKEN_PIPE, EXIT_STATUS, INTERRUPTED, cli, main

__all__ = ["BROKEN_PIPE", "EXIT_STATUS", "INTERRUPTED", "cli", "main"]
