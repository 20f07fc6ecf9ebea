"""How many threads, told from recorded `proc` and `sys` trees."""

from pathlib import Path

import pytest
from llamapack import ThreadsWarning, threads
from llamapack.threads import linux_threads, parse_cpu_list, warn_of_threads

Tree = dict[str, str]
CPU = "sys/devices/system/cpu"


def write(root: Path, tree: Tree) -> Path:
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def siblings(groups: list[str], online: str) -> Tree:
    tree = {f"{CPU}/online": online}
    for group in groups:
        for cpu in parse_cpu_list(group):
            tree[f"{CPU}/cpu{cpu}/topology/core_cpus_list"] = group
    return tree


AMD_SMT = siblings(["0,4", "1,5", "2,6", "3,7"], "0-7")
HYBRID = siblings(["0-1", "2-3", "4", "5", "6", "7"], "0-7") | {
    "sys/devices/cpu_core/cpus": "0-3",
    "sys/devices/cpu_atom/cpus": "4-7",
}
BIG_LITTLE = siblings(["0", "1", "2", "3", "4", "5"], "0-5") | {
    f"{CPU}/cpu{cpu}/cpu_capacity": "1024" if cpu >= 4 else "379" for cpu in range(6)
}
THREE_CLUSTERS = siblings([str(cpu) for cpu in range(8)], "0-7") | {
    f"{CPU}/cpu{cpu}/cpu_capacity": str([250] * 4 + [900] * 3 + [1024])[1:-1].split(", ")[cpu] for cpu in range(8)
}
ARM_SERVER = siblings(["0", "1", "2", "3"], "0-3") | {f"{CPU}/cpu{cpu}/cpu_capacity": "1024" for cpu in range(4)}
QUOTA_V2 = (
    AMD_SMT
    | {"proc/self/cgroup": "0::/docker/abc", "sys/fs/cgroup/docker/cpu.max": "250000 100000"}
    | {"sys/fs/cgroup/docker/abc/cpu.max": "max 100000"}
)
QUOTA_V2_INSIDE = AMD_SMT | {"proc/self/cgroup": "0::/outside/path", "sys/fs/cgroup/cpu.max": "50000 100000"}
QUOTA_V1 = AMD_SMT | {
    "proc/self/cgroup": "3:cpu,cpuacct:/job\n2:memory:/job",
    "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "200000",
    "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000",
}
NO_QUOTA_V1 = AMD_SMT | {
    "proc/self/cgroup": "3:cpu,cpuacct:/job",
    "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "-1",
    "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000",
}


@pytest.mark.parametrize(
    ("tree", "allowed", "count", "reason"),
    [
        pytest.param(AMD_SMT, range(8), 4, "4 physical cores", id="smt"),
        pytest.param(
            AMD_SMT,
            [0, 1, 4, 5],
            2,
            "2 physical cores among the 4 processors this process may use",
            id="cpuset",
        ),
        pytest.param(AMD_SMT, [4], 1, "1 physical cores among the 1 processors this process may use", id="one-sibling"),
        pytest.param(HYBRID, range(8), 2, "2 performance cores", id="hybrid-intel"),
        pytest.param(
            HYBRID,
            [4, 5, 6],
            3,
            "3 physical cores among the 3 processors this process may use",
            id="efficiency-only",
        ),
        pytest.param(BIG_LITTLE, range(6), 2, "2 performance cores", id="big-little"),
        pytest.param(THREE_CLUSTERS, range(8), 4, "4 performance cores", id="three-clusters"),
        pytest.param(ARM_SERVER, range(4), 4, "4 physical cores", id="arm-server"),
        pytest.param(QUOTA_V2, range(8), 2, "cgroup quota of 2.5 CPUs, below 4 physical cores", id="quota-above"),
        pytest.param(QUOTA_V2_INSIDE, range(8), 1, "cgroup quota of 0.5 CPUs, below 4 physical cores", id="container"),
        pytest.param(QUOTA_V1, range(8), 2, "cgroup quota of 2 CPUs, below 4 physical cores", id="cgroup-v1"),
        pytest.param(NO_QUOTA_V1, range(8), 4, "4 physical cores", id="cgroup-v1-unlimited"),
        pytest.param({}, range(3), 3, "3 physical cores", id="no-sysfs"),
    ],
)
def test_threads_follow_the_machine(tmp_path: Path, tree: Tree, allowed: range, count: int, reason: str) -> None:
    choice = linux_threads(write(tmp_path, tree), frozenset(allowed))
    assert (choice.count, choice.reason) == (count, reason)


@pytest.mark.parametrize(
    ("text", "cpus"), [("", set()), ("0", {0}), ("0-2,5", {0, 1, 2, 5}), ("junk", set()), ("3-3", {3})]
)
def test_cpu_lists_are_read(text: str, cpus: set[int]) -> None:
    assert parse_cpu_list(text) == cpus


def test_more_threads_than_processors_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "processors", lambda: 2)
    with pytest.warns(ThreadsWarning) as warned:
        warn_of_threads("n_threads", 3)
    first, second, third = str(warned[0].message).splitlines()
    assert first == "n_threads=3, but this process may use 2 processors."
    assert second == "2 threads compute: more would wait for each other."
    assert third.startswith("Use n_threads=")
    warn_of_threads("n_threads", 2)
