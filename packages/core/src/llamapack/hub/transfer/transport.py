"""Requests to servers: time limits, repeated attempts, redirects, and a token that no other server gets to see."""

from __future__ import annotations

import email.message
import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TypeVar
from urllib.parse import urlsplit

from llamapack.hub.references import is_loopback

ATTEMPTS = 5
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
AGENT = "llamapack"
_AGAIN = (408, 429, 500, 502, 503, 504)
T = TypeVar("T")


class BrokenError(Exception):
    """A connection broke, or an answer is not what was asked for; another attempt may succeed."""


class RefusedError(Exception):
    """A server sends elsewhere, where we do not go."""


@dataclass(frozen=True, kw_only=True)
class Transport:
    """How servers are asked: `token` is sent to the server at `origin` only."""

    origin: str = ""
    token: str | None = field(default=None, repr=False)
    seconds: float = 30.0

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[http.client.HTTPResponse]:
        """Ask for `url`; raises HTTPError for a status from 400, and BrokenError if the connection fails."""
        known = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
        request = urllib.request.Request(url, headers=known)  # noqa: S310  # _opener knows http and https only
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        self.authorise(request)
        try:
            with _opener(self).open(request, timeout=self.seconds) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            error.close()
            raise
        except TimeoutError as error:
            raise BrokenError(f"the server was silent for {self.seconds:g} seconds") from error
        except urllib.error.URLError as error:
            reason = error.reason
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise
            silent = isinstance(reason, TimeoutError)
            why = f"the server was silent for {self.seconds:g} seconds" if silent else str(reason)
            raise BrokenError(why) from error
        except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
            raise BrokenError(str(error) or type(error).__name__) from error

    def repeat(self, work: Callable[[], T], progress: Callable[[], int] = lambda: 0) -> T:
        """Do `work` until it succeeds, a few times if nothing becomes of it; what it got done is read in `progress`."""
        failures, before = 0, progress()
        while True:
            try:
                return work()
            except (BrokenError, urllib.error.HTTPError) as error:
                if isinstance(error, urllib.error.HTTPError) and error.code not in _AGAIN:
                    raise
                failures = 1 if progress() > before else failures + 1
                before = progress()
                if failures >= ATTEMPTS:
                    raise
                time.sleep(_pause(error, failures))

    def authorise(self, request: urllib.request.Request) -> None:
        """Add the token to a request, if it is for the server that the token is for."""
        if self.token and self.origin and _origin(request.full_url) == _origin(self.origin):
            request.add_unredirected_header("Authorization", f"Bearer {self.token}")


def _pause(error: Exception, failures: int) -> float:
    wanted: float = FIRST_PAUSE * 2 ** (failures - 1)
    if isinstance(error, urllib.error.HTTPError):
        text = (error.headers.get("Retry-After") or "").strip()
        if text.isdecimal():
            wanted = max(wanted, float(text))
    return min(wanted, LONGEST_PAUSE)


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not to servers that are not encrypted, and with the token to the same server only."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: email.message.Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        parts = urlsplit(newurl)
        plain = parts.scheme == "http" and is_loopback(parts) and urlsplit(req.full_url).scheme == "http"
        if parts.scheme != "https" and not plain:
            raise RefusedError(f"The server redirects to {parts.scheme}://{parts.hostname}, which is not encrypted.")
        request = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]  # HTTPMessage
        if request is not None:
            self._transport.authorise(request)
        return request

    if not hasattr(urllib.request.HTTPRedirectHandler, "http_error_308"):  # Python 3.10
        http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302


def _opener(transport: Transport) -> urllib.request.OpenerDirector:
    """Return what opens http and https only, through the proxies of the environment."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(transport),
    ):
        opener.add_handler(handler)
    return opener
