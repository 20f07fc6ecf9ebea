"""What the server needs beside llamapack itself."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from llamapack.errors import InstallationError

PACKAGES = ("starlette", "uvicorn", *(() if sys.version_info >= (3, 11) else ("tomli",)))


def require_extra() -> None:
    """Raise InstallationError if a package of the extra `serve` is missing."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        what = f"The server needs {' and '.join(missing)}, which {'are' if len(missing) > 1 else 'is'} not installed."
        raise InstallationError(what, fix='Run: python -m pip install "llamapack[serve]"')
