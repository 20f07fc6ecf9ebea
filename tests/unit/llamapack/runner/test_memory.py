"""Whether there is room for one more model, from what runners measured and what the others hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from llamapack._util.cgroups import left_memory
from llamapack.runner import memory
from llamapack.runner.memory import Memory, Neighbour, resident_bytes
from llamapack.runner.needs import Need, read_needs
from llamapack.server.settings import MIB

GIB = 1024 * MIB
DEVICES = [
    {"name": "CUDA0", "needed": 5 * GIB, "free": 6 * GIB, "shares_host_memory": False},
    {"name": "Vulkan0", "needed": 2 * GIB, "free": 3 * GIB, "shares_host_memory": True},
    {"name": "", "needed": GIB, "free": None, "shares_host_memory": True},
]


@pytest.fixture(autouse=True)
def eight_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    """8 GiB are available, and every other runner holds 1 GiB of its own."""
    monkeypatch.setattr(memory, "available_memory", lambda: 8 * GIB)
    monkeypatch.setattr(memory, "_own_bytes", lambda _: GIB)


def test_what_shares_the_machines_memory_is_added_to_it() -> None:
    cuda, vulkan, host = read_needs(DEVICES)
    assert (cuda.device, cuda.needed, cuda.free) == ("CUDA0", 5 * GIB, 6 * GIB)
    assert (vulkan.needed, vulkan.free) == (2 * GIB, 3 * GIB)
    assert (host.device, host.needed, host.free) == ("", 3 * GIB, None)
    assert read_needs(None) == ()


@pytest.mark.parametrize(
    ("needed", "others", "limit", "free"),
    [
        (8 * GIB, [], None, None),
        (8 * GIB + 1, [], None, 8 * GIB),
        (5 * GIB, [4 * GIB], None, None),  # it holds 1 GiB, so it will take 3 more
        (6 * GIB, [4 * GIB], None, 5 * GIB),
        (3 * GIB, [4 * GIB, 3 * GIB], None, None),
        (4 * GIB, [4 * GIB, 3 * GIB], None, 3 * GIB),
        (GIB, [2 * GIB], 3 * GIB, None),
        (2 * GIB, [2 * GIB], 3 * GIB, GIB),
    ],
)
def test_room_beside_others(needed: int, others: list[int], limit: int | None, free: int | None) -> None:
    neighbours = [Neighbour(pid=1, needed=each) for each in others]
    found = Memory(limit, 0).shortages([Need(device="", needed=needed)], neighbours)
    assert [each.free for each in found] == ([] if free is None else [free])


def test_each_device_keeps_its_reserve() -> None:
    need = Need(device="CUDA0", needed=5 * GIB, free=5 * GIB + 100 * MIB)
    assert Memory(None, 100 * MIB).shortages([need], []) == []
    (short,) = Memory(None, 101 * MIB).shortages([need], [])
    assert str(short) == "It takes 5,120 MiB of CUDA0, where 5,119 MiB may be taken."
    assert Memory(None, GIB).shortages([Need(device="Metal", needed=GIB, free=None)], []) == []  # it does not say


def test_memory_of_processes() -> None:
    assert (resident_bytes(os.getpid()) or 0) > MIB
    assert resident_bytes(2**22 + 1) is None


def group(root: Path, path: str, **files: str) -> None:
    folder = root / "sys/fs/cgroup" / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text)


def test_the_groups_of_linux_may_allow_less(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/user/app\n")
    assert left_memory(tmp_path) is None
    group(tmp_path, "user", memory_max="1000", memory_current="700", memory_stat="anon 5\ninactive_file 100\n")
    group(tmp_path, "user/app", memory_max="max", memory_current="600")
    assert left_memory(tmp_path) == 400
    group(tmp_path, "user/app", memory_max="650", memory_current="600")
    assert left_memory(tmp_path) == 50


def test_the_older_interface_of_groups(tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("5:cpu,cpuacct:/a\n7:memory:/docker/1\n")
    folder = tmp_path / "sys/fs/cgroup/memory"  # in a container it is the group itself
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text("5000\n")
    (folder / "memory.usage_in_bytes").write_text("4000\n")
    (folder / "memory.stat").write_text("inactive_file 1\ntotal_inactive_file 500\n")
    assert left_memory(tmp_path) == 1500
