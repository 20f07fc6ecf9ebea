"""What happened, as numbers for Prometheus."""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(\{(?P<labels>[^}]*)\})?(?P<rest> .*)")


@dataclass
class Histogram:
    """How many took how long, in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one more."""
        self.counts[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds

    def lines(self, name: str, labels: str) -> Iterator[str]:
        """Yield the samples of it."""
        count = 0
        for bound, more in zip((*_BOUNDS, "+Inf"), self.counts, strict=True):
            count += more
            yield f'{name}_bucket{{{labels},le="{bound}"}} {count}'
        yield f"{name}_sum{{{labels}}} {self.total:.6f}"
        yield f"{name}_count{{{labels}}} {count}"


class Metrics:
    """Counts requests by route and status, and how long they take."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.began = time.time()
        self.requests: Counter[tuple[str, int]] = Counter()
        self.seconds: dict[str, Histogram] = {}
        self.first_bytes: dict[str, Histogram] = {}
        self.sent_bytes = 0

    def note(self, route: str, status: int, seconds: float, first: float | None, sent: int) -> None:
        """Count a request that has ended; `first` is when the first byte of its answer went out."""
        self.requests[route, status] += 1
        self.seconds.setdefault(route, Histogram()).add(seconds)
        if first is not None:
            self.first_bytes.setdefault(route, Histogram()).add(first)
        self.sent_bytes += sent

    def lines(self) -> Iterator[str]:
        """Yield all of it in Prometheus's text format."""
        yield from head("llamapack_requests_total", "counter", "Requests that have ended, by route and HTTP status.")
        for (route, status), count in sorted(self.requests.items()):
            yield f'llamapack_requests_total{{route="{label(route)}",status="{status}"}} {count}'
        for name, kind, histograms in (
            ("llamapack_request_seconds", "From the head of a request to the end of its answer.", self.seconds),
            ("llamapack_first_byte_seconds", "From the head of a request to its answer.", self.first_bytes),
        ):
            yield from head(name, "histogram", kind)
            for route, histogram in sorted(histograms.items()):
                yield from histogram.lines(name, f'route="{label(route)}"')
        yield from sample("llamapack_sent_bytes_total", "counter", "Bytes of answers.", {"": self.sent_bytes})
        yield from sample("llamapack_start_time_seconds", "gauge", "When it was started.", {"": self.began})


def head(name: str, kind: str, text: str) -> Iterator[str]:
    """Yield what comes before the samples of a metric."""
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def sample(name: str, kind: str, text: str, values: Mapping[str, float]) -> Iterator[str]:
    """Yield a metric with its values by labels; the empty text is for none."""
    yield from head(name, kind, text)
    for labels, value in values.items():
        yield f"{name}{{{labels}}} {value}" if labels else f"{name} {value}"


def label(text: str) -> str:
    """Return a text as the value of a label."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def with_model(lines: Iterable[str], model: str) -> Iterator[str]:
    """Yield the samples of a runner with the name of its model."""
    for line in lines:
        found = _SAMPLE.fullmatch(line)
        if found is None or line.startswith("#"):
            yield line
        else:
            labels = ",".join(filter(None, (f'model="{label(model)}"', found["labels"])))
            yield f"{found['name']}{{{labels}}}{found['rest']}"


def grouped(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of several runners with all samples of a metric together, below one head."""
    heads: dict[str, dict[str, None]] = {}
    samples: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("# "):
            heads.setdefault(line.split()[2], {})[line] = None
        elif line:
            samples.setdefault(re.split(r"[{ ]", line, maxsplit=1)[0], []).append(line)
    for name, found in samples.items():
        yield from heads.get(name, ())
        yield from found
