"""Which CPU level is chosen, as a table over data."""

from pathlib import Path

import pytest
from llamapack.backends import cpu
from llamapack.backends.cpu import CpuLevel, choose_cpu_level
from llamapack.errors import CpuLevelError

from tools.matrix import load_matrix


def level(name: str, score: int, *features: str) -> CpuLevel:
    return CpuLevel(name=name, path=Path(name), features=features, score=score)


LEVELS = (
    level("x64", 1),
    level("sse42", 5, "SSE42"),
    level("haswell", 64, "AVX2"),
    level("zen4", 0, "NO_SUCH_FEATURE"),
)


def test_the_highest_score_wins() -> None:
    choice = choose_cpu_level(LEVELS, None, "LLAMAPACK_CPU")
    assert choice.level.name == "haswell"
    assert choice.reason == "highest score (64) of 3 levels that run here"


def test_a_named_level_is_taken_over_a_higher_score() -> None:
    choice = choose_cpu_level(LEVELS, "sse42", "LLAMAPACK_CPU")
    assert choice.level.name == "sse42"
    assert choice.reason == "asked for by LLAMAPACK_CPU"


def test_an_unknown_level_is_refused_with_the_list() -> None:
    with pytest.raises(CpuLevelError) as caught:
        choose_cpu_level(LEVELS, "hasswell", "the argument")
    assert str(caught.value) == (
        "There is no CPU level 'hasswell' (the argument).\n"
        "Did you mean 'haswell'?\n"
        "This processor runs: x64, sse42, haswell."
    )


def test_an_unsupported_level_is_refused_with_the_list() -> None:
    with pytest.raises(CpuLevelError) as caught:
        choose_cpu_level(LEVELS, "zen4", "LLAMAPACK_CPU")
    assert str(caught.value).splitlines()[0] == ("The CPU level 'zen4' (LLAMAPACK_CPU) does not run on this processor.")
    assert caught.value.fix == "Use one of: x64, sse42, haswell."


@pytest.mark.parametrize("levels", [(), (level("zen4", 0),)])
def test_a_wheel_with_no_level_that_runs_says_so(levels: tuple[CpuLevel, ...]) -> None:
    with pytest.raises(CpuLevelError, match=r"^No CPU level of this wheel runs on this processor\."):
        choose_cpu_level(levels, None, "LLAMAPACK_CPU")


def test_features_are_explained_by_the_matrixs_words() -> None:
    of_levels = {feature for of_target in load_matrix().levels.values() for one in of_target for feature in one.flags}
    words = {feature: set(load_matrix().flags[feature]) for feature in of_levels if load_matrix().flags[feature]}
    assert words == cpu._FLAGS
