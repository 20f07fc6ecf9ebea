"""`llamapack info`: what this machine has and what would be used, with reasons."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command()
@click.option("--cpu", help="Show the choice for this CPU level.  [variable LLAMAPACK_CPU]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(cpu: str | None, as_json: bool) -> None:
    """Show the CPU levels with their scores, the one that is used and why, and the threads."""
    facts = collect(cpu)
    click.echo(json.dumps(facts, indent=2) if as_json else render(facts))


def collect(cpu: str | None = None) -> dict[str, Any]:
    """Gather everything that `info` prints; raises CpuLevelError for an unknown or unsupported level."""
    import platform
    from importlib.metadata import version

    from llamapack._native.library import library_dir, native, read_abi
    from llamapack.backends.cpu import cpu_levels, explain_unsupported, load_cpu
    from llamapack.threads import default_threads

    choice = load_cpu(cpu)
    threads = default_threads()

    def reason(level: Any) -> str:
        if level is choice.level:
            return choice.reason
        return "runs here, with a lower score" if level.supported else explain_unsupported(level)

    return {
        "llamapack": version("llamapack"),
        "llama_cpp": (native().llamapack_build_info() or b"").decode(),
        "llama_cpp_commit": read_abi().llama_commit,
        "abi_id": read_abi().abi_id,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": str(library_dir()),
        "cpu": {
            "chosen": choice.level.name,
            "reason": choice.reason,
            "levels": [
                {
                    "name": level.name,
                    "score": level.score,
                    "used": level is choice.level,
                    "reason": reason(level),
                }
                for level in cpu_levels()
            ],
        },
        "threads": {"count": threads.count, "reason": threads.reason},
    }


def render(facts: dict[str, Any]) -> str:
    """Lay the facts out for people."""
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
