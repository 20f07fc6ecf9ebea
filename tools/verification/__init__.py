"""What was checked, on what, and where it is recorded.

devices      What a plug-in is tested on: a device of this machine, a program that stands in for one, or nothing.
plan         What this machine would build and prove of the matrix, and why not more.
results      What was proven of each cell, when, on which commit, and how: docs/reference/results.json.
matrix_page  The page docs/reference/build-matrix.md, written from the matrix.
demo_model   Fetch the demo model: checked by its hash, kept in the cache folder, asked for once.
"""

__all__ = ["demo_model", "devices", "matrix_page", "plan", "results"]
