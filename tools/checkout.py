"""Where the parts of a checkout are that vendoring reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.paths import ROOT


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A checkout of this project; tests make small ones of their own."""

    root: Path = ROOT

    @property
    def pin_file(self) -> Path:
        """Which llama.cpp, exactly."""
        return self.root / "vendor" / "llama.cpp.toml"

    @property
    def filter_file(self) -> Path:
        """Which of its files each package takes."""
        return self.root / "vendor" / "sync.toml"

    @property
    def tracking(self) -> Path:
        """The tracking repository: llama.cpp with our patches as commits."""
        return self.root / "vendor" / "llama.cpp"

    @property
    def patches(self) -> Path:
        """The patch series."""
        return self.root / "patches"

    @property
    def core_source(self) -> Path:
        """The core package's copy of llama.cpp, which the bindings are made from."""
        return self.root / "packages" / "core" / "native" / "llama.cpp"

    @property
    def bindings(self) -> Path:
        """The bindings' Python file, which says what it was made from."""
        return self.root / "packages" / "core" / "src" / "llamapack" / "_native" / "_generated.py"

    @property
    def lock_file(self) -> Path:
        """Held by whoever changes any of these."""
        return self.root / "build" / "vendor.lock"
