"""Captured lines of llama.cpp's log, as the reason in a message."""

from __future__ import annotations

from llamapack._native.log import reason_in


def test_reasons_are_without_functions_and_repetitions() -> None:
    lines = ["llama_model_load: no file: a.gguf\n", "common_init: no file: a.gguf", "it is damaged "]
    assert reason_in(lines) == "no file: a.gguf\nit is damaged"
    assert reason_in([]) == ""
