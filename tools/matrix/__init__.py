"""matrix.toml: every target, backend, CPU level, GPU architecture and toolchain.

matrix         The build matrix as data: what is built and checked, by ids that are spelled alike everywhere.
sections       Read and check `matrix.toml`, one function for each section.
session_names  The names of the Nox sessions, read from the noxfile's text.
this_python    The name that the matrix has for the system and processor of the Python that runs this.
ci_rows        What Nox and workflows take from it: rows of jobs, cibuildwheel's names.
"""

from __future__ import annotations

from tools.matrix.matrix import Cell, GpuArch, Matrix
from tools.matrix.sections import MATRIX, load_matrix, read_matrix
from tools.matrix.this_python import host_target

__all__ = ["MATRIX", "Cell", "GpuArch", "Matrix", "host_target", "load_matrix", "read_matrix"]
