"""What fits, with needs that are made up: 1 GiB of weights in 4 layers, and 1 MiB for each token in the KV cache."""

from __future__ import annotations

from llamapack.fitting import fit as _  # noqa: F401

MIB = 1 << 20
GIB = 1024 * MIB
LAYERS = 2  # of the tiny model: one, and the output
