"""What was checked, on what, and where it is recorded.

devices       The devices to test a plug-in on: those of this machine, or software that acts as one.
plan          What this machine would build and check of the matrix, and why not more.
results       How each cell was checked, when and on which commit: docs/reference/results.json.
matrix_page   The page docs/reference/build-matrix.md, written from the matrix.
backend_ops   Run llama.cpp's own test of a backend's operations, each in its own process, and write the page.
demo_model    Download the models of demonstrations and tests once, and check their hashes.
server_tests  How llama.cpp's own tests of its server end with our programs, and which need not pass.
"""

__all__ = ["backend_ops", "demo_model", "devices", "matrix_page", "plan", "results", "server_tests"]
