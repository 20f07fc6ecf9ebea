"""How many processors may be used, and how many compilers run at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def parallel_jobs(variables: Mapping[str, str] = os.environ, cgroup: Path = CGROUP) -> int:
    """Return CMAKE_BUILD_PARALLEL_LEVEL, or the processors that this process may use."""
    chosen = variables.get("CMAKE_BUILD_PARALLEL_LEVEL", "")
    return int(chosen) if chosen.isdecimal() and int(chosen) > 0 else processors(cgroup)


def processors(cgroup: Path = CGROUP) -> int:
    """Return how many processors this process may use, by its affinity and by the limit of its control group."""
    return min(_processors(), _quota(cgroup))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quota(cgroup: Path) -> int:
    """Return the processors that the control group (version 2, then 1) grants; containers are limited by it."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota, period = (
                (cgroup / "cpu" / name).read_text().strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
            )
        except OSError:
            return _processors()
    return max(1, round(int(quota) / int(period))) if quota.isdecimal() else _processors()
