"""What the cache has done, as numbers for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llamapack.server.metrics import head, sample


@dataclass(kw_only=True)
class Counts:
    """What became of requests with long prompts, and of files."""

    restored: int = 0
    in_memory: int = 0
    missed: int = 0
    saved: int = 0
    saved_bytes: int = 0
    unclear: int = 0
    """Prompts that were not saved, because it was not clear which slot had them."""
    failures: int = 0


_TEXTS: Mapping[str, str] = {
    "saved": "Prompts saved to disk.",
    "saved_bytes": "Bytes of prompts saved to disk.",
    "unclear": "Prompts not saved, as it was not clear which slot had them.",
    "failures": "Prompts that could not be saved or restored.",
}


def prompt_cache_lines(counts: Mapping[str, Counts]) -> Iterator[str]:
    """Yield the numbers of all models, by labels."""
    name = "llamapack_prompt_cache_requests_total"
    yield from head(name, "counter", "Requests with long prompts, by where the beginning of the prompt was.")
    for of, each in counts.items():
        for where, count in (("disk", each.restored), ("memory", each.in_memory), ("nowhere", each.missed)):
            yield f'{name}{{{of},found="{where}"}} {count}'
    for field, text in _TEXTS.items():
        values: dict[str, float] = {of: getattr(each, field) for of, each in counts.items()}
        yield from sample(f"llamapack_prompt_cache_{field}_total", "counter", text, values)
