"""Find the browser that tests use the web page in: Debian's Chromium and its driver, or ones of the same names."""

from __future__ import annotations

import shutil

CHROMIUM = "chromium"
DRIVER = "chromedriver"


def missing() -> str:
    """Return why no browser can be used, and what to do; empty if one can."""
    lacking = [name for name in (CHROMIUM, DRIVER) if shutil.which(name) is None]
    if not lacking:
        return ""
    return f"{' and '.join(lacking)} not found on PATH; on Debian: apt-get install chromium chromium-driver"
