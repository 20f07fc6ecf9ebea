"""The control groups of Linux that this process is in: what they allow it of a processor or of memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_MOST = {1: "memory.limit_in_bytes", 2: "memory.max"}
_USED = {1: "memory.usage_in_bytes", 2: "memory.current"}


def groups(root: Path, controller: str) -> Iterator[tuple[int, Path]]:
    """Yield the folders of this process's groups, from its own up to the root, with the version of the interface.

    `root` is `/`, but in tests; `controller` is its name, such as `cpu` or `memory`.
    """
    for line in read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from ((2, folder) for folder in _upwards(root / "sys/fs/cgroup", path))
        elif controller in controllers.split(","):
            yield from ((1, folder) for folder in _upwards(root / "sys/fs/cgroup" / controller, path))


def left_memory(root: Path = Path("/")) -> int | None:
    """Return how many bytes this process's groups let it take still; None if none of them has a limit."""
    left = [_left(version, folder) for version, folder in groups(root, "memory")]
    return min((each for each in left if each is not None), default=None)


def memory_limit(root: Path = Path("/")) -> int | None:
    """Return how many bytes this process's groups let it take in all; None if none of them has a limit."""
    limits = [read(folder / _MOST[version]) for version, folder in groups(root, "memory")]
    return min((int(each) for each in limits if each.isdigit()), default=None)


def _left(version: int, folder: Path) -> int | None:
    most, used = read(folder / _MOST[version]), read(folder / _USED[version])
    if not (most.isdigit() and used.isdigit()):
        return None
    return int(most) - int(used) + _reclaimable(folder)


def _reclaimable(folder: Path) -> int:
    """Return how many bytes are copies of files that nobody used for some time, which the system gives up first."""
    fields = dict(line.split(" ", 1) for line in read(folder / "memory.stat").splitlines() if " " in line)
    text = fields.get("total_inactive_file", fields.get("inactive_file", ""))
    return int(text) if text.isdigit() else 0


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    folder = mount / path.strip("/")
    if not folder.is_dir():  # in a container the mount shows the process's own group as its root
        folder = mount
    yield folder
    while folder not in (mount, folder.parent):
        folder = folder.parent
        yield folder


def read(path: Path) -> str:
    """Return the text of a small file, stripped; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
