"""Models and programs that tests are given, in variables."""

from __future__ import annotations

from pathlib import Path

from tools.verification import demo_model


def models() -> dict[str, str]:
    """Return the variables of real models; those that are not here yet are fetched."""
    return {
        "LLAMAPACK_TEST_MODEL": str(demo_model.demo_model()),
        "LLAMAPACK_TEST_SENTENCE_MODEL": str(demo_model.sentence_model()),
        "LLAMAPACK_TEST_BASE_MODEL": str(demo_model.base_model()),
    }


def to_integration(upstream: Path) -> dict[str, str]:
    """Return the variables of the integration tests; `upstream` is the folder of llama.cpp's own programs."""
    return {"LLAMAPACK_UPSTREAM_BIN": str(upstream), **models()}
