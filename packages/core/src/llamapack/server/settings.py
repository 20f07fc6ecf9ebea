"""What `llamapack serve` is told: where to listen, who may ask, and how much."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much is taken from clients; whatever is beyond is refused."""

    body_bytes: int = 32 * MIB
    """Of one request; more is answered with 413."""
    buffered_bytes: int = 256 * MIB
    """Of the bodies of all requests that are held; more is answered with 503."""
    waiting: int = 64
    """Requests that wait for a slot, or for the model to be loaded; more are answered with 429."""
    waiting_seconds: float = 120
    """How long a request waits; then the answer is 503."""
    media: int = 16
    """Images and audio in a request; more are answered with 413."""
    request_seconds: float = 3600
    """How long a request is worked on; then the answer is 504."""
    connections: int = 512
    """Open connections; more are answered with 503 and closed."""
    head_seconds: float = 15
    """How long a connection may be open without a request, or with a part of its head."""
    body_seconds: float = 60
    """How long the body of a request may take; then the answer is 408."""
    stalled_seconds: float = 60
    """How long a client may take nothing of its answer; then its connection is closed."""


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """A model, and how it is loaded: the arguments of Runner."""

    path: Path
    name: str
    options: Mapping[str, object] = field(default_factory=dict)
    hardware: Mapping[str, Any] = field(default_factory=dict)
    """`backends`, `devices`, `require_gpu` and `cpu_level`."""
    pin: bool = False
    """Loaded at the start, and not unloaded for others."""
    keep_seconds: float | None = None
    """How long it stays loaded after its last request; None: as the server's settings say."""
    priority: int = 0
    """Models with a smaller number are unloaded first."""
    on_out_of_memory: tuple[Mapping[str, object], ...] = ()
    """Options that are changed after it ran out of memory: the first after the first time, and so on."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the server behaves to its clients."""

    host: str = "127.0.0.1"
    port: int = 8080
    token: str = ""
    """What clients show as bearer token; empty: they need none."""
    hosts: tuple[str, ...] = ()
    """Names of this server that may stand in `Host`, beside `localhost` and addresses."""
    origins: tuple[str, ...] = ()
    """Web pages that may ask: their origins, such as `https://chat.example`."""
    page: bool = True
    """Whether the web page is shown, if this build has it."""
    limits: Limits = field(default_factory=Limits)
    most_loaded: int | None = None
    """How many models may be loaded at once; None: as many as there is memory for."""
    memory_bytes: int | None = None
    """How much of the machine's memory all models may take, if there are several; None: all that is available."""
    reserve_bytes: int = 512 * MIB
    """How much memory models leave free, of the machine's and of each device's."""
    keep_seconds: float = -1
    """How long a model stays loaded after its last request; negative: until another one needs its place."""
    drain_seconds: int = 30
    """How long requests under way may go on when the server is to end."""
    prompt_cache: Path | None = None
    """The folder for beginnings of prompts; None: they are kept in memory only."""
    prompt_cache_bytes: int = 4096 * MIB
    """How much may be in that folder."""
    hang_seconds: float = 30
    """How long a runner may give no sign of life; then it is replaced."""
    load_seconds: float = 300
    """How long loading may make no progress; then it is given up."""


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
