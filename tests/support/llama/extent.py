"""How much of a test that can be long is run: 1 is a part of it, and more is all of it, with so many seeds."""

from __future__ import annotations

import os

EXTENT = int(os.environ.get("LLAMAPACK_TEST_EXTENT", "1"))
WHOLE = EXTENT > 1
