"""What the page may do in a browser: run its own scripts, and speak to this server alone."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def content_security_policy(html: str = "") -> str:
    """Return the policy for a page: scripts of this server, and those in the page itself, known by their hashes.

    Styles may stand in elements, because formulas and diagrams have them there. Text of a model can name an image
    of another server; the policy keeps the browser from asking for it, which would tell that server what was said.
    """
    scripts = " ".join(["'self'", *(f"'sha256-{_hash(script)}'" for script in _scripts(html))])
    rules = {
        "default-src": "'none'",
        "script-src": scripts,
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self' data: blob:",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "frame-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _scripts(html: str) -> Iterable[str]:
    return _INLINE.findall(html)


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
