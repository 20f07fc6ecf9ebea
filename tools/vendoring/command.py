"""What every command does around its work: explain what the disk refuses, require git, and hold the lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tools.git.repository import require_git
from tools.paths import Checkout
from tools.util.files import locked, reporting_os_errors


@contextmanager
def command(checkout: Checkout, doing: str) -> Iterator[None]:
    """Hold the checkout's lock while one command runs; `doing` says in messages what it was about."""
    with reporting_os_errors(doing):
        require_git()
        with locked(checkout.lock_file):
            yield
