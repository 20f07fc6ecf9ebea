"""How many threads to use, and why: performance or physical cores, within the affinity mask and cgroup quota.

Sources: Linux's sysfs (`/sys/devices/system/cpu`, `/sys/devices/cpu_core`), `/proc/self/cgroup` and the cgroup files it
leads to. On other systems, the standard library tells only the number of logical processors.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from llamapack._util.arguments import warn_caller
from llamapack._util.cgroups import groups, read
from llamapack.errors import ThreadsWarning


@dataclass(frozen=True, kw_only=True)
class ThreadChoice:
    """A number of threads and the reason for it."""

    count: int
    reason: str


@lru_cache(maxsize=1)
def default_threads() -> ThreadChoice:
    """Return the number of threads for this process; determined once."""
    if sys.platform == "linux":
        return linux_threads(Path("/"), frozenset(os.sched_getaffinity(0)))
    if sys.platform == "darwin":
        return _darwin_threads()
    logical = os.cpu_count() or 1
    count = max(1, logical // 2)
    return ThreadChoice(count=count, reason=f"half of {logical} logical processors (cores are not visible here)")


def warn_of_threads(name: str, count: int) -> None:
    """Issue a ThreadsWarning if `count`, which the caller knows as `name`, is more than the processors at hand."""
    if count > (number := processors()):
        warn_caller(
            ThreadsWarning(
                f"{name}={count}, but this process may use {number} processor{'s' if number > 1 else ''}.\n"
                f"{number} thread{'s compute' if number > 1 else ' computes'}: more would wait for each other.\n"
                f"Use {name}={default_threads().count}, which is the default."
            )
        )


def processors() -> int:
    """Return how many logical processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def linux_threads(root: Path, allowed: frozenset[int]) -> ThreadChoice:
    """Choose from the `proc` and `sys` trees under `root`, for a process that may use the `allowed` processors."""
    cpus = root / "sys/devices/system/cpu"
    performance, kind = _performance_cpus(root, cpus, allowed)
    cores = _physical_cores(cpus, performance)
    count = max(1, len(cores))
    reason = f"{count} {kind}"
    if len(allowed) < _online_count(cpus, len(allowed)):
        reason += f" among the {len(allowed)} processors this process may use"
    quota = _cgroup_quota(root)
    if quota is not None and max(1, math.floor(quota)) < count:
        count = max(1, math.floor(quota))
        reason = f"cgroup quota of {quota:g} CPUs, below {reason}"
    return ThreadChoice(count=count, reason=reason)


def _performance_cpus(root: Path, cpus: Path, allowed: frozenset[int]) -> tuple[frozenset[int], str]:
    """Leave out efficiency cores: Intel's hybrid list, or Arm's smaller `cpu_capacity`."""
    hybrid = parse_cpu_list(read(root / "sys/devices/cpu_core/cpus")) & allowed
    efficient = parse_cpu_list(read(root / "sys/devices/cpu_atom/cpus")) & allowed
    if hybrid and efficient:
        return hybrid, "performance cores"
    capacity = {cpu: int(text) for cpu in allowed if (text := read(cpus / f"cpu{cpu}/cpu_capacity")).isdigit()}
    if capacity and len(set(capacity.values())) > 1:
        # Clusters almost as fast as the fastest still help; the slowest cores delay all others.
        floor = max(capacity.values()) * 0.6
        return frozenset(cpu for cpu, value in capacity.items() if value >= floor), "performance cores"
    return allowed, "physical cores"


def _physical_cores(cpus: Path, chosen: frozenset[int]) -> set[frozenset[int]]:
    """Group the `chosen` processors that share a core."""
    cores = set()
    for cpu in chosen:
        text = read(cpus / f"cpu{cpu}/topology/core_cpus_list") or read(
            cpus / f"cpu{cpu}/topology/thread_siblings_list"
        )
        cores.add((parse_cpu_list(text) & chosen) or frozenset({cpu}))
    return cores


def _online_count(cpus: Path, otherwise: int) -> int:
    return len(parse_cpu_list(read(cpus / "online"))) or otherwise


def _cgroup_quota(root: Path) -> float | None:
    """Return the smallest CPU quota from this process's cgroup up to the root, in CPUs; None if there is none."""
    quotas = [(_read_v2 if version == 2 else _read_v1)(folder) for version, folder in groups(root, "cpu")]
    return min((quota for quota in quotas if quota is not None), default=None)


def _read_v2(folder: Path) -> float | None:
    fields = read(folder / "cpu.max").split()
    if len(fields) == 2 and fields[0].isdigit():
        return int(fields[0]) / int(fields[1])
    return None


def _read_v1(folder: Path) -> float | None:
    quota, period = read(folder / "cpu.cfs_quota_us"), read(folder / "cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit() and int(period) > 0:
        return int(quota) / int(period)
    return None


def parse_cpu_list(text: str) -> frozenset[int]:
    """Parse the kernel's list format, such as `0-3,8`."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def _darwin_threads() -> ThreadChoice:
    for name, kind in (
        ("hw.perflevel0.physicalcpu", "performance cores"),
        ("hw.physicalcpu", "physical cores"),
    ):
        done = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip().isdigit():
            count = max(1, int(done.stdout))
            return ThreadChoice(count=count, reason=f"{count} {kind}")
    count = os.cpu_count() or 1
    return ThreadChoice(count=count, reason=f"{count} logical processors")
