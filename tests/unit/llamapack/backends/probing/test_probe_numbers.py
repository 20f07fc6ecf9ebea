"""The probe's matrices are what ggml reads them as, and no correct backend is far from the reference."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
from llamapack.backends.probing import _probe
from llamapack.backends.probing._probe import DEPTH, PRODUCTS, ROWS, MatrixProblem, difference
from llamapack.backends.verdicts import TOLERANCE

F16, Q4_0 = 1, 2
COLUMNS = sorted({columns for _, columns in PRODUCTS})


def weights(problem: MatrixProblem) -> np.ndarray:
    """Read the weights as ggml does; an implementation of its own."""
    if problem.type == F16:
        return np.frombuffer(problem.weights, "<f2").astype(np.float64).reshape(ROWS, DEPTH)
    blocks = np.frombuffer(problem.weights, np.dtype([("scale", "<f2"), ("halves", "u1", 16)]))
    halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1).astype(np.float64) - 8
    return (halves * blocks["scale"].astype(np.float64)[:, None]).reshape(ROWS, DEPTH)


def inputs(problem: MatrixProblem) -> np.ndarray:
    return np.frombuffer(problem.inputs, "<f4").astype(np.float64).reshape(max(COLUMNS), DEPTH)


@pytest.mark.parametrize("kind", [F16, Q4_0])
def test_the_reference_is_the_product_of_what_is_stored(kind: int) -> None:
    problem = MatrixProblem(kind)
    for columns in COLUMNS:
        expected = inputs(problem)[:columns] @ weights(problem).T
        assert problem.solve(columns) == expected.ravel().tolist()
        assert np.linalg.matrix_rank(expected) == columns


def test_each_type_is_tried_at_once_and_with_either_number_of_columns() -> None:
    assert {kind for kind, _ in PRODUCTS[:2]} == {F16, Q4_0}
    assert {columns for _, columns in PRODUCTS[:2]} == {1, 16}
    assert sorted(PRODUCTS) == [(F16, 1), (F16, 16), (Q4_0, 1), (Q4_0, 16)]


def test_inputs_survive_rounding_to_8_bits_with_a_scale_for_each_block() -> None:
    blocks = inputs(MatrixProblem(Q4_0)).reshape(-1, 32)
    scales = (np.abs(blocks).max(axis=1) / 127).astype(np.float16).astype(np.float64)
    assert (np.round(blocks / scales[:, None]) * scales[:, None] == blocks).all()
    assert (blocks.astype(np.float16) == blocks).all()


@pytest.mark.parametrize("kind", [F16, Q4_0])
@pytest.mark.parametrize("wrong", [0.0, float("nan"), float("inf")])
def test_one_wrong_row_is_much_more_than_the_tolerance(kind: int, wrong: float) -> None:
    expected = MatrixProblem(kind).solve(16)
    for row in range(ROWS):
        found = expected.copy()
        found[row::ROWS] = [wrong] * 16
        error = difference(found, expected)
        assert error is not None
        assert error > 5 * TOLERANCE


def test_equal_products_do_not_differ() -> None:
    expected = MatrixProblem(F16).solve(16)
    assert difference(expected, expected) == 0
    assert difference([], expected) is None


def test_the_program_needs_the_standard_library_only() -> None:
    tree = ast.parse(Path(_probe.__file__).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names)
