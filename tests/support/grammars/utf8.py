"""What is UTF-8."""

from __future__ import annotations


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
