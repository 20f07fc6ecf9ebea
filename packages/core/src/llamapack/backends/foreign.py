"""Other copies of ggml in the process; the code is in `llamapack.backends.host`."""

from __future__ import annotations

from llamapack.backends.host.foreign_libraries import ForeignLibrary, find_foreign
from llamapack.backends.host.loaded_libraries import loaded_libraries

__all__ = ["ForeignLibrary", "find_foreign", "loaded_libraries"]
