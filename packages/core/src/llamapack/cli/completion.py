"""Completion in shells: by click, and in bash also of words with colons in them, as names of models have."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class, shell_complete

VARIABLE = "_LLAMAPACK_COMPLETE"
"""What shells ask by; click's scripts for them set it."""


class _Bash(BashComplete):
    """Bash takes a colon for a word of its own, and replaces what is after it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._before = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one to complete, and that, each whole."""
        args, incomplete = super().get_completion_args()
        words: list[str] = []
        for word in (*args, incomplete):
            if words and (word.startswith(":") or words[-1].endswith(":")):
                words[-1] += word
            else:
                words.append(word)
        self._before = words[-1][: words[-1].rfind(":") + 1]
        return words[:-1], words[-1]

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return what bash puts into the place of the word."""
        value = str(item.value)
        return super().format_completion(CompletionItem(value.removeprefix(self._before), type=item.type))


def complete(cli: click.Command, instruction: str) -> int:
    """Answer a shell, and return the status to exit with; `instruction` is the value of VARIABLE."""
    add_completion_class(_Bash, "bash")
    return shell_complete(cli, {}, "llamapack", VARIABLE, instruction)
