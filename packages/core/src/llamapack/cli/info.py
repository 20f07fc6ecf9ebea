"""`llamapack info`: the hardware, and what llamapack would use, with reasons."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command()
@click.option("--cpu", help="Show the choice for this CPU level.  [variable LLAMAPACK_CPU]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(cpu: str | None, as_json: bool) -> None:
    """Show the CPU levels with their scores, the one that is used and why, and the threads.

    GPUs are a matter of `llamapack doctor`.
    """
    from llamapack.diagnostics.core_facts import core_facts

    facts = core_facts(cpu).to_data()
    click.echo(json.dumps(facts, indent=2) if as_json else render(facts))


def render(facts: dict[str, Any]) -> str:
    """Return the facts as text."""
    levels = sorted(facts["cpu"]["levels"], key=lambda level: -int(level["score"]))
    width = max(len(level["name"]) for level in levels)
    lines = [
        f"llamapack {facts['llamapack']}, llama.cpp {facts['llama_cpp']}, ABI {facts['abi_id']}",
        f"Python {facts['python']} on {facts['platform']}",
        f"libraries in {facts['libraries']}",
        "",
        "CPU levels (score 0: does not run here)",
        *(
            f"  {'*' if level['used'] else ' '} {level['name']:<{width}}  {level['score']:>5}  {level['reason']}"
            for level in levels
        ),
        "",
        f"threads: {facts['threads']['count']}, because: {facts['threads']['reason']}",
    ]
    return "\n".join(lines)
