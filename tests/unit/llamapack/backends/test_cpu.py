"""Which CPU level is chosen, as a table over data."""

from collections.abc import Callable
from pathlib import Path

import pytest
from llamapack.backends import cpu
from llamapack.backends.cpu import CpuLevel, choose_cpu_level, choose_working_level
from llamapack.backends.verdicts import Fault, Status, Verdict
from llamapack.errors import BackendWarning, CpuLevelError

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


def judging(**faults: Fault) -> Callable[[Path], Verdict]:
    """Make a probe that finds these faults in the levels of these names."""

    def probe(path: Path) -> Verdict:
        fault = faults.get(path.name)
        status = Status.BROKEN if fault else Status.USABLE
        return Verdict(
            name=path.name, package="llamapack", status=status, fault=fault, reason=f"{path} fails", remedy="do"
        )

    return probe


def test_a_level_that_fails_its_probe_is_passed_over_with_a_warning() -> None:
    with pytest.warns(BackendWarning, match="haswell fails\ndo") as caught:
        choice = choose_working_level(LEVELS, None, "LLAMAPACK_CPU", judging(haswell=Fault.CRASH))
    assert caught[0].filename == __file__  # the caller's line, and not one of this package
    assert choice.level.name == "sse42"
    assert choice.reason == "highest score (5) of 2 levels that run here; haswell was tried and does not work"


def test_a_level_that_was_asked_for_and_fails_is_refused() -> None:
    with pytest.raises(CpuLevelError) as caught:
        choose_working_level(LEVELS, "haswell", "LLAMAPACK_CPU", judging(haswell=Fault.WRONG_RESULT))
    assert str(caught.value) == (
        "The CPU level 'haswell' (LLAMAPACK_CPU) does not work on this machine.\nhaswell fails\ndo"
    )


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.NO_PYTHON, Fault.NOT_ASKED, Fault.NO_ANSWER])
def test_a_probe_that_says_nothing_of_the_level_changes_nothing(fault: Fault) -> None:
    choice = choose_working_level(LEVELS, None, "LLAMAPACK_CPU", judging(haswell=fault))
    assert (choice.level.name, choice.reason) == ("haswell", "highest score (64) of 3 levels that run here")


def test_without_a_working_level_there_is_an_error() -> None:
    broken = judging(haswell=Fault.CRASH, sse42=Fault.CRASH, x64=Fault.CRASH)
    with pytest.raises(CpuLevelError, match="No CPU level of this wheel runs"), pytest.warns(BackendWarning):
        choose_working_level(LEVELS, None, "LLAMAPACK_CPU", broken)
