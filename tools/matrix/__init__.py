"""matrix.toml: every target, backend, CPU level, GPU architecture and toolchain.

matrix    The build matrix: what `matrix.toml` says, as data.
sections  The sections of `matrix.toml`: one record and one reader each.
ci_rows   What is derived from the matrix for Nox and for workflows.
"""

from __future__ import annotations

from tools.matrix.matrix import MATRIX, Cell, Matrix, host_target, load_matrix
from tools.matrix.sections import GpuArch

__all__ = ["MATRIX", "Cell", "GpuArch", "Matrix", "host_target", "load_matrix"]
