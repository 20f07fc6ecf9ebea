"""Ask pip as if it ran on another machine: python -I foreign_pip.py < QUESTIONS

pip runs this file, in an environment that has nothing of this project. The questions are JSON: `markers`, the values of
the environment markers of that machine, and `commands`, the arguments of pip for each question. The answers are a JSON
list of pip's exit status and what it wrote to standard error.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any


def answers(values: Mapping[str, str], commands: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Replace what pip believes of its machine, and run it with each of the commands' arguments."""
    module: Any = import_module("pip._vendor.packaging.markers")
    environment = {**module.default_environment(), **values}
    module.default_environment = lambda: dict(environment)
    return [_answer(arguments) for arguments in commands]


def _answer(arguments: Sequence[str]) -> dict[str, Any]:
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        status = int(import_module("pip._internal.cli.main").main(list(arguments)))
    return {"status": status, "stderr": said.getvalue()}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump(answers(asked["markers"], asked["commands"]), sys.stdout)
