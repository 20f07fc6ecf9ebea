"""Keep a process from the network: it connects to its own machine, or not at all."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any


def require_loopback() -> None:
    """Refuse all connections of this process to other machines, and questions for their addresses."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(str(address[0]))
        connect(self, address)

    def resolve_here(host: Any, *arguments: Any, **named: Any) -> Any:
        _check(str(host or "localhost"))
        return resolve(host, *arguments, **named)

    socket.socket.connect = connect_here  # type: ignore[method-assign,assignment]
    socket.getaddrinfo = resolve_here


def _check(host: str) -> None:
    try:
        here = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        here = False
    if not here:
        raise ConnectionRefusedError(f"tests connect to this machine only, not to {host}")
