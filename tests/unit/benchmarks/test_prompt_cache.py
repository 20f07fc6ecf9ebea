"""The system prompts and the table of `nox -s bench -- prompt-cache`."""

from __future__ import annotations

from benchmarks.serving.prompt_cache import KINDS, system_prompt, table


def test_system_prompts_have_a_length_and_begin_in_different_ways() -> None:
    def count(text: str) -> int:
        return len(text) // 3

    first, second = (system_prompt(count, 4000, seed) for seed in (1, 2))
    assert 4000 <= count(first) < 4300
    assert first[:60] != second[:60]
    assert system_prompt(count, 4000, 1) == first


def test_the_table_has_medians_and_what_varies() -> None:
    rounds = [dict.fromkeys(KINDS, seconds) for seconds in (0.001, 0.002, 0.004)]
    lines = table(rounds).splitlines()
    assert lines[0] == "| time to the first token | median | from … to |"
    assert lines[2] == "| the system prompt is new | 2.0 ms | 1.0 … 4.0 |"
    assert len(lines) == 2 + len(KINDS)
