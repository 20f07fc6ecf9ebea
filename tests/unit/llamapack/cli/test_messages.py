"""Messages of the command `llamapack`."""

from __future__ import annotations

import sys
import warnings

import pytest
from llamapack.cli import main


@pytest.mark.parametrize("command", ["show", "pull", "fit"])
def test_a_terminal_does_not_obey_names_in_messages(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # main sets another
    monkeypatch.setattr(sys, "argv", ["llamapack", command, "no\x1b]0;title\x07\x9b.gguf"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    message = capsys.readouterr().err
    assert "no\\x1b]0;title\\x07\\x9b.gguf" in message
    assert message.replace("\n", "").isprintable()


def test_a_chat_with_standard_output_closed_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(sys, "argv", ["llamapack", "chat", "none.gguf"])
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "Standard output is closed." in capsys.readouterr().err
