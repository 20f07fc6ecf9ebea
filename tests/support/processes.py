"""Check processes that a test did not start itself."""

from __future__ import annotations

import os
import time
from pathlib import Path


def lives(pid: int) -> bool:
    """Return True if the process still exists after a moment and is not a zombie."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except OSError:
            return False
        time.sleep(0.02)
    return True
