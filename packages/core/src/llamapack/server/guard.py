"""Who may ask: checks of `Host`, `Origin` and the token, before anything else looks at a request."""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from collections.abc import Collection, Mapping

from llamapack.server.refusal import Refusal
from llamapack.server.settings import Settings, is_loopback

OPEN_ROUTES = frozenset({"/health", "/v1/health", "/health/live", "/health/ready"})
"""What needs no token: programs that watch the server have none. Without one they learn only whether it works."""
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.%]+\]|[^:\[\]]+)(:\d*)?", re.IGNORECASE)


class Guard:
    """Decides about a request by its headers."""

    def __init__(self, settings: Settings, *, page: Collection[str] = ()) -> None:
        """Take the names and the token from the settings, and the paths of the page's files, which need no token."""
        self._page = frozenset(page)
        self._open = OPEN_ROUTES | self._page
        self._token = settings.token.encode()
        names = {"localhost", *settings.hosts}
        if not is_loopback(settings.host):
            names |= {socket.gethostname(), settings.host}
        self._names = {name.lower().rstrip(".") for name in names}
        self._origins = frozenset(origin.lower().rstrip("/") for origin in settings.origins)

    def check(self, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Raise Refusal if this client may not ask for `path`."""
        host = headers.get(b"host", b"").decode("latin-1")
        self._check_host(host)
        if not (path in self._page and _opens_page(headers)):
            self._check_origin(headers, host)
        if path not in self._open and not self.knows_token(headers):
            raise Refusal(401, "invalid_api_key", "A token is needed: `Authorization: Bearer TOKEN`.")

    def knows_token(self, headers: Mapping[bytes, bytes]) -> bool:
        """Return whether the client shows the token, or needs none. How long it takes says nothing about the token."""
        if not self._token:
            return True
        kind, _, shown = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() != b"bearer":
            shown = headers.get(b"x-api-key", b"")
        return hmac.compare_digest(shown.strip(), self._token)

    def allowed_origin(self, headers: Mapping[bytes, bytes]) -> bytes | None:
        """Return the origin of the request if pages of it may ask, by the settings."""
        origin = headers.get(b"origin", b"")
        return origin if origin and origin.decode("latin-1").lower() in self._origins else None

    def _check_host(self, host: str) -> None:
        """Refuse names that are not of this server: a page may have had its own name lead here (DNS rebinding)."""
        found = _HOST.fullmatch(host)
        name = found["name"].lower().rstrip(".") if found else ""
        if name in self._names or name.endswith(".localhost") or _is_address(name):
            return
        what = f"This server is not called {host[:200]!r}. If it is, start it with --allowed-host."
        raise Refusal(403, "host_not_allowed", what)

    def _check_origin(self, headers: Mapping[bytes, bytes], host: str) -> None:
        """Refuse what pages of other origins ask: browsers name the page in `Origin` or `Sec-Fetch-Site`."""
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        if self.allowed_origin(headers) is not None:
            return
        if origin and origin not in (f"http://{host.lower()}", f"https://{host.lower()}"):
            what = f"Web pages of {origin[:200]!r} may not use this server. To allow it, use --allowed-origin."
            raise Refusal(403, "origin_not_allowed", what)
        if not origin and headers.get(b"sec-fetch-site", b"").lower() in (b"cross-site", b"same-site"):
            raise Refusal(403, "origin_not_allowed", "Web pages of other origins may not use this server.")


def _opens_page(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a browser asks in order to show the answer in a tab: other pages may have links to this one."""
    return b"origin" not in headers and headers.get(b"sec-fetch-dest") == b"document"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
