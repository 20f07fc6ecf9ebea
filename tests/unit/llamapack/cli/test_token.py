"""The token that `serve`, `ps` and `stop` are given."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from llamapack.cli.command import cli
from llamapack.cli.serving import given_token
from llamapack.errors import InputError


def test_it_is_in_the_file_or_else_in_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token"
    file.write_text(" of the file\n", encoding="utf-8")
    monkeypatch.delenv("LLAMAPACK_API_KEY", raising=False)
    assert given_token(None) == ""
    monkeypatch.setenv("LLAMAPACK_API_KEY", "of the variable")
    assert given_token(None) == "of the variable"
    assert given_token(file) == "of the file"


@pytest.mark.parametrize(("text", "error"), [(b" \n", "has no token"), (b"a\nb", "headers"), (b"caf\xe9", "headers")])
def test_what_no_header_can_have_is_an_error(tmp_path: Path, text: bytes, error: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(text)
    with pytest.raises(InputError, match=error):
        given_token(file)


@pytest.mark.parametrize("command", [["serve", "model.gguf"], ["ps"], ["stop", "model"]])
def test_a_file_that_is_not_there_is_an_error(command: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, [*command, "--api-key-file", str(tmp_path / "none")])
    assert (done.exit_code, "does not exist" in done.output) == (2, True)
