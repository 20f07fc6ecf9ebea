"""Get a file from a web server, with limits: its size, the time, redirects, and no address of this network.

The name is looked up once, all of its addresses are checked, and the connection goes to one that was checked: a server
that answers with another address the second time gains nothing.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import SplitResult, urljoin, urlsplit

from llamapack.errors import InputError
from llamapack.media_files.limits import MediaLimits

_MOVED = (301, 302, 303, 307, 308)
_STEP = 1 << 16
_HEADERS = {"User-Agent": "llamapack", "Accept": "image/*, audio/*", "Accept-Encoding": "identity"}

Allowed = Callable[[str], bool]


def is_public(address: str) -> bool:
    """Return False for addresses of this machine and of private networks, and for all that are not of one machine."""
    found = ipaddress.ip_address(address.partition("%")[0])
    for inner in ("ipv4_mapped", "sixtofour"):
        if (mapped := getattr(found, inner, None)) is not None:
            found = mapped
    teredo = getattr(found, "teredo", None)
    if teredo is not None or found in ipaddress.ip_network("64:ff9b::/96"):
        return False
    return found.is_global and not found.is_multicast


def fetch(url: str, limits: MediaLimits, allowed: Allowed = is_public) -> bytes:
    """Return the file at `url`; `allowed` says which addresses may be connected to.

    Raises InputError if it cannot be got, or is larger than the limits.
    """
    until = time.monotonic() + limits.fetch_seconds
    here = url
    for _ in range(limits.redirects + 1):
        try:
            with _answer(here, until, allowed) as answer:
                if answer.status in _MOVED and (where := answer.getheader("Location")):
                    here = urljoin(here, where)
                    continue
                if answer.status != 200:
                    raise _FetchError(f"The server answers {answer.status} {answer.reason}.")
                return _read(answer, limits.file_bytes, until)
        except (_FetchError, OSError, http.client.HTTPException, ValueError) as problem:
            raise InputError(f"{_shown(url)} cannot be fetched.", why=_why(problem, here, url)) from problem
    raise InputError(f"{_shown(url)} cannot be fetched.", why=f"It is redirected more than {limits.redirects} times.")


class _FetchError(Exception):
    pass


def _why(problem: Exception, here: str, url: str) -> str:
    why = str(problem) or type(problem).__name__
    why = "It takes too long." if isinstance(problem, TimeoutError) else why
    return why if here == url else f"It is redirected to {_shown(here)}: {why}"


def _shown(url: str) -> str:
    """Return the address without a user name and password, and not too much of it."""
    head, separator, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    short = f"{head}{separator}{place.rpartition('@')[2]}{slash}{path}"
    return repr(short if len(short) <= 120 else f"{short[:120]}...")


@contextmanager
def _answer(url: str, until: float, allowed: Allowed) -> Iterator[http.client.HTTPResponse]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _FetchError(f"{_shown(url)} is no address of a web server.")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(parts.hostname, port, timeout=_left(until))
    connection.sock = _connect(parts, port, until, allowed, secure=secure)
    watch = threading.Timer(_left(until), _hang_up, [connection.sock])  # a server may send a byte now and then
    watch.daemon = True
    watch.start()
    try:
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        connection.request("GET", target, headers={**_HEADERS, "Host": _host(parts)})
        with connection.getresponse() as answer:
            yield answer
    except (OSError, http.client.HTTPException):
        _left(until)
        raise
    finally:
        watch.cancel()
        connection.close()


def _hang_up(connected: socket.socket) -> None:
    with suppress(OSError):  # it is closed
        connected.shutdown(socket.SHUT_RDWR)


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _connect(parts: SplitResult, port: int, until: float, allowed: Allowed, *, secure: bool) -> socket.socket:
    name = parts.hostname or ""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    for *_, place in found:
        if not allowed(str(place[0])):
            raise _FetchError(f"{name} is {place[0]}, which is not an address in the public internet.")
    problem: OSError | None = None
    for *_, place in found:
        try:
            plain = socket.create_connection((str(place[0]), port), timeout=_left(until))
        except OSError as error:
            problem = error
            continue
        try:
            return ssl.create_default_context().wrap_socket(plain, server_hostname=name) if secure else plain
        except BaseException:
            plain.close()
            raise
    raise problem or _FetchError(f"{name} has no address.")


def _read(answer: http.client.HTTPResponse, most: int, until: float) -> bytes:
    data = bytearray()
    while piece := answer.read1(_STEP):
        data += piece
        if len(data) > most:
            raise _FetchError(f"It has more than the {most} bytes that are allowed.")
        _left(until)
    _left(until)  # the end may be that of its time
    return bytes(data)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
