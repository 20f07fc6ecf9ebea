"""CPU levels: the wheel has one library for each set of instructions. The best one that runs here is used.

A level scores itself (ggml's `ggml_backend_score`, 0 if the processor lacks an instruction); the highest score wins.
The library is opened by absolute path, before llama.cpp gets to look for backends by itself, so that no file of that
name elsewhere is ever run.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from llamapack._native.library import library_dir, read_abi
from llamapack._native.modules import load_backend, score_backend
from llamapack._util.arguments import did_you_mean, warn_caller
from llamapack.backends.verdicts import Fault, Verdict
from llamapack.errors import BackendError, BackendWarning, CpuLevelError

VARIABLE = "LLAMAPACK_CPU"
UNUSABLE = (Fault.CRASH, Fault.WRONG_RESULT)  # a timeout may only mean that the machine is busy


@dataclass(frozen=True, kw_only=True)
class CpuLevel:
    """One level of the wheel: its name, library, features beyond the baseline, and score on this processor."""

    name: str
    path: Path
    features: tuple[str, ...]
    score: int

    @property
    def supported(self) -> bool:
        """True if this processor can run the level."""
        return self.score > 0


@dataclass(frozen=True, kw_only=True)
class CpuChoice:
    """The level in use and why it was chosen."""

    level: CpuLevel
    reason: str
    asked: bool = False
    """Whether it was asked for by name."""


_lock = threading.Lock()
_loaded: CpuChoice | None = None


@lru_cache(maxsize=1)
def cpu_levels() -> tuple[CpuLevel, ...]:
    """Score every level of the installed wheel, in the wheel's order; done once."""
    suffix = ".dll" if sys.platform == "win32" else ".so"
    prefix = "" if sys.platform == "win32" else "lib"
    levels = []
    for name, features in read_abi().cpu_levels.items():
        path = library_dir() / f"{prefix}ggml-cpu{'-' + name if name else ''}{suffix}"
        levels.append(CpuLevel(name=name or "baseline", path=path, features=tuple(features), score=score_backend(path)))
    return tuple(levels)


def choose_cpu_level(levels: Sequence[CpuLevel], wanted: str | None, source: str) -> CpuChoice:
    """Choose the `wanted` level, named by `source`, or without one the supported level with the highest score.

    Raises CpuLevelError for a name that is unknown or that this processor cannot run.
    """
    supported = [level for level in levels if level.supported]
    names = ", ".join(level.name for level in supported) or "none"
    if wanted is None:
        if not supported:
            raise CpuLevelError(
                "No CPU level of this wheel runs on this processor.",
                why=f"The wheel has: {', '.join(level.name for level in levels) or 'no levels at all'}.",
                fix="Reinstall llamapack; if that changes nothing, report `llamapack info`.",
            )
        best = max(supported, key=lambda level: level.score)
        return CpuChoice(level=best, reason=f"highest score ({best.score}) of {len(supported)} levels that run here")
    for level in levels:
        if level.name == wanted:
            if not level.supported:
                raise CpuLevelError(
                    f"The CPU level {wanted!r} ({source}) does not run on this processor.",
                    why=explain_unsupported(level),
                    fix=f"Use one of: {names}.",
                )
            return CpuChoice(level=level, reason=f"asked for by {source}", asked=True)
    raise CpuLevelError(
        f"There is no CPU level {wanted!r} ({source}).",
        why=did_you_mean(wanted, [level.name for level in supported]),
        fix=f"This processor runs: {names}.",
    )


def choose_working_level(
    levels: Sequence[CpuLevel], wanted: str | None, source: str, probe: Callable[[Path], Verdict]
) -> CpuChoice:
    """Choose as `choose_cpu_level` does, but no level that crashes or computes wrongly when `probe` tries it.

    A level chosen by its score is passed over then, with a warning; one that was asked for raises CpuLevelError.
    """
    choice = choose_cpu_level(levels, wanted, source)
    verdict = probe(choice.level.path)
    if verdict.fault not in UNUSABLE:
        return choice
    if wanted is not None:
        raise CpuLevelError(
            f"The CPU level {wanted!r} ({source}) does not work on this machine.",
            why=verdict.reason,
            fix=verdict.remedy,
        )
    warn_caller(BackendWarning(f"{verdict.reason}\n{verdict.remedy}"))
    others = [level for level in levels if level.name != choice.level.name]
    second = choose_working_level(others, wanted, source, probe)
    return replace(second, reason=f"{second.reason}; {choice.level.name} was tried and does not work")


def choose_cpu(wanted: str | None = None) -> CpuChoice:
    """Choose a CPU level as `load_cpu` does, and load nothing: for another process."""
    from llamapack.backends.probing.probe import probe_cpu  # not needed to list levels

    name, source = _wanted(wanted)
    return choose_working_level(cpu_levels(), name, source, probe_cpu)


def _wanted(wanted: str | None) -> tuple[str | None, str]:
    """Return the name of the level that is asked for, if any, and who asks."""
    return (wanted, "the argument") if wanted is not None else (os.environ.get(VARIABLE) or None, VARIABLE)


def load_cpu(wanted: str | None = None) -> CpuChoice:
    """Load the CPU backend for this process and return the choice; later calls return the same.

    `wanted` is a level's name; without it the variable LLAMAPACK_CPU decides, and without that the score.
    Raises CpuLevelError as `choose_working_level` does, and BackendError if another level is loaded already.
    """
    global _loaded
    with _lock:
        if _loaded is not None:
            if wanted is not None and wanted != _loaded.level.name:
                raise BackendError(
                    f"The CPU level {_loaded.level.name!r} is loaded already, so {wanted!r} cannot be.",
                    why="A process has one CPU backend.",
                    fix=f"Set {VARIABLE}={wanted} before the first model is loaded, or use another process.",
                )
            return _loaded
        choice = choose_cpu(wanted)
        load_backend(choice.level.path)
        _loaded = choice
        return choice


def explain_unsupported(level: CpuLevel) -> str:
    """Return which of the level's features the processor lacks, as far as the system tells."""
    flags = _processor_flags()
    missing = [feature for feature in level.features if flags and not _FLAGS.get(feature, set()) <= flags]
    if missing:
        return f"The processor, or the system it runs under, lacks {', '.join(missing)}."
    return f"It needs {', '.join(level.features) or 'a newer processor'}."


# ggml's feature names in Linux's words
_FLAGS = {
    "SSE42": {"sse4_2"},
    "AVX": {"avx"},
    "F16C": {"f16c"},
    "FMA": {"fma"},
    "AVX2": {"avx2"},
    "BMI2": {"bmi2"},
    "AVX_VNNI": {"avx_vnni"},
    "AVX512": {"avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw"},
    "AVX512_VBMI": {"avx512vbmi"},
    "AVX512_VNNI": {"avx512_vnni"},
    "AVX512_BF16": {"avx512_bf16"},
    "AMX_TILE": {"amx_tile"},
    "AMX_INT8": {"amx_int8"},
    "DOTPROD": {"asimddp"},
    "FP16_VECTOR_ARITHMETIC": {"fphp", "asimdhp"},
    "SVE": {"sve"},
    "MATMUL_INT8": {"i8mm"},
    "SVE2": {"sve2"},
    "SME": {"sme"},
}


@lru_cache(maxsize=1)
def _processor_flags() -> frozenset[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()
