"""Models and programs that tests are given, in variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tools.release import attestations
from tools.sessions import attested_sample
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


def to_packaging(core: Path, plugins: Mapping[str, object], rebuilt: Path) -> dict[str, str]:
    """Return the variables of the tests of wheels: the core's, the plug-ins', and a core of another ABI."""
    attestations.ensure_program()
    return {
        "LLAMAPACK_TEST_WHEEL": str(core),
        "LLAMAPACK_TEST_PLUGINS": json.dumps(plugins),
        "LLAMAPACK_TEST_REBUILT": str(rebuilt),
        "LLAMAPACK_TEST_MODEL": str(demo_model.demo_model()),
        "LLAMAPACK_TEST_ATTESTED": str(attested_sample.attested_sample()),
    }
