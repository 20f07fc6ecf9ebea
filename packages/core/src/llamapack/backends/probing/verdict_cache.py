"""Remember verdicts between processes, each for as long as it can be trusted."""

from __future__ import annotations

from llamapack.backends.contract import BackendPlugin
from llamapack.backends.probing.cache import CacheFile
from llamapack.backends.verdicts import Fault, Status, Verdict, from_data, to_data

# What failed may have failed by chance: memory, a driver that was being updated, a busy machine.
SECONDS_FOR_FAILURES = 3600.0
SECONDS_FOR_TIMEOUTS = 600.0  # shaders that were compiled so far are kept by the driver: the next try takes less
SECONDS_WITHOUT_BOOT_ID = 86400.0


def read_verdict(file: CacheFile, plugin: BackendPlugin | None) -> Verdict | None:
    """Return the verdict that `file` remembers of `plugin`, or of a CPU level; None if none can be trusted."""
    cached = file.read()
    if cached is None:
        return None
    try:
        verdict = from_data(cached.content, plugin, cached=True)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return None if _is_too_old(verdict, cached.age, file) else verdict


def write_verdict(file: CacheFile, verdict: Verdict) -> None:
    """Remember the verdict, unless the probe could not even be started."""
    if verdict.fault not in (Fault.NO_PYTHON, Fault.NOT_ASKED):
        file.write(to_data(verdict), verdict.libraries)


def _is_too_old(verdict: Verdict, age: float, file: CacheFile) -> bool:
    if verdict.status is not Status.USABLE:
        longest = SECONDS_FOR_TIMEOUTS if verdict.fault is Fault.TIMEOUT else SECONDS_FOR_FAILURES
        return not 0 <= age < longest
    return file.key.get("boot") == "" and not 0 <= age < SECONDS_WITHOUT_BOOT_ID
