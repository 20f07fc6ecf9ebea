"""Run a program as root of its own user namespace: `python -I user_namespace.py PROGRAM ARGUMENT...`.

Its mounts and registrations affect no other process, and end with its last process. If the caller is root, all users
and groups exist inside; any other caller is the only user there.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000


def main(arguments: list[str]) -> None:
    """Replace this process by `arguments` in a new user namespace; exit with status 1 and a message if that fails."""
    hand_over, wait_for = os.pipe()[::-1]
    if not (mapper := os.fork()):
        os.close(hand_over)
        os.read(wait_for, 1)
        os._exit(_write_maps(os.getppid()))
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        os.kill(mapper, 9)
        sys.exit(f"A user namespace is refused: {os.strerror(ctypes.get_errno())}.")
    os.write(hand_over, b"1")
    if os.waitpid(mapper, 0)[1] != 0:
        sys.exit("The users of a user namespace could not be set.")
    os.execvp(arguments[0], arguments)  # noqa: S606 - a shell is not needed


def _write_maps(process: int) -> int:
    own = Path("/proc", str(process))
    try:
        if os.geteuid() != 0:
            (own / "setgroups").write_text("deny")
        for name, number in (("uid_map", os.geteuid()), ("gid_map", os.getegid())):
            (own / name).write_text(_same(name) if os.geteuid() == 0 else f"0 {number} 1")
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _same(name: str) -> str:
    """Return the map that leaves every id as it is."""
    ranges = (line.split() for line in Path("/proc/self", name).read_text().splitlines())
    return "".join(f"{first} {first} {count}\n" for first, _, count in ranges)


if __name__ == "__main__":
    main(sys.argv[1:])
