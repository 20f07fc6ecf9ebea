"""The socket to listen at."""

from __future__ import annotations

import errno
import socket
import sys

from llamapack.errors import InputError

_BACKLOG = 512


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; 0 takes a port that is free. Raises InputError if it is in use."""
    family, kind, protocol, _, place = _resolve(host, port)
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform == "win32":  # there, another program could take over the port else
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(place)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)
        fix = "Another program listens there: end it, or give another --port." if _in_use(error) else ""
        raise InputError(f"The server cannot listen at {host}, port {port}.", why=why, fix=fix) from error
    listener.setblocking(False)
    return listener


def _in_use(error: OSError) -> bool:
    return error.errno == errno.EADDRINUSE


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[object, ...]]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise InputError(f"There is no address {host!r} on this machine.", why=error.strerror or "") from error
