"""Whatever the state: nothing is lost without being named and backed up, and no manifest names what is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.vendoring.states import Vendoring

STEPS = int(os.environ.get("LLAMAPACK_VENDOR_STEPS", "2000"))
"""How many steps are tried in all: `nox -s vendor-states` tries 50,000, other ones each time."""
STEPS_A_RUN = 25
PARTS = 4
"""So many tests, for as many processes."""


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_and_no_manifest_is_wrong(tmp_path_factory: pytest.TempPathFactory, part: int) -> None:
    few = STEPS <= 2000
    chosen = settings(
        max_examples=STEPS // STEPS_A_RUN // PARTS,
        stateful_step_count=STEPS_A_RUN,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    place = tmp_path_factory.mktemp("states")
    machine = type("Placed", (Vendoring,), {"place": Path(place)})
    if few:
        machine = seed(part)(machine)
    run_state_machine_as_test(machine, settings=chosen)
