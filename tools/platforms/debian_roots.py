"""Root folders of other Debian releases and processors, made with debootstrap, to run programs in.

A program runs in namespaces of its own, and does not write to the root folder: its changes go to an overlay in memory.
However the program ends, no mount stays behind. Making a root folder needs root; running programs in it does not.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError, UnavailableError, valid
from tools.matrix import host_target, load_matrix
from tools.paths import BUILD, cache_dir
from tools.platforms import apt, user_namespace
from tools.platforms.emulators import PACKAGES, find_emulator, how_to_get
from tools.util.cmd import run, run_logged
from tools.util.disk import require_space
from tools.util.files import locked, staged_folder

log = logging.getLogger(f"llamapack.{__name__}")

SCRIPTS = Path("/usr/share/debootstrap/scripts")
TARGETS = {"amd64": "linux-x86_64", "arm64": "linux-aarch64"}
"""The matrix's targets by Debian's names of their processors."""
MIB = 700
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
DEVICES = "null zero full random urandom tty"
# If a package must be configured before another is unpacked, dpkg fails, and succeeds when it is called again.
INSTALL = """
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
for again in 1 2 3 4 5; do
    dpkg --force-overwrite --force-confold --skip-same-version --install /var/cache/apt/archives/*.deb && exit 0
done
exit 1
"""
# How Linux recognizes an executable for 64-bit Arm: the start of the ELF header, and a mask for its bits.
AARCH64 = (
    r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
    r":\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
)


@dataclass(frozen=True, kw_only=True)
class Root:
    """A Debian release for a processor, by Debian's names, with packages beside the essential ones."""

    suite: str
    architecture: str = "amd64"
    packages: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The root folder in the cache; its name depends on everything that it is made from."""
        key = hashlib.sha256(" ".join(sorted(self.packages)).encode()).hexdigest()[:12]
        return cache_dir() / "debian" / "roots" / f"{self.suite}-{self.architecture}-{key}"


def ensure_root(root: Root, *, mib: int = MIB) -> Path:
    """Return the folder of `root`; if it does not exist, it is made, which needs `mib` MiB of disk.

    Packages come from the sources in apt's configuration, and are checked with Debian's keys. Raises UnavailableError
    if this machine cannot make it.
    """
    folder = root.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            _require(root, mib)
            log.info(f"Making a Debian {root.suite} root for {root.architecture} in {folder}, which takes minutes")
            with staged_folder(folder) as staged:
                _make(root, staged)
    return folder


def command(
    folder: Path,
    arguments: Sequence[str | os.PathLike[str]],
    *,
    binds: Mapping[Path, str] | None = None,
    variables: Mapping[str, str] | None = None,
    cwd: str = "/",
    emulator: Path | None = None,
    keep: bool = False,
) -> list[str]:
    """Return the command that runs `arguments` in the root in `folder`, as its user 0, with a clean environment.

    `binds` maps folders and files of this machine, which are writable there, to absolute paths inside. Other changes
    are dropped afterwards unless `keep` is set, which is for making a root. `emulator` is the program that runs the
    root's programs if this processor cannot. The exit status of a program that signal n ended is 128 + n.
    """
    lines = ["set -eu", *_registration(emulator), f"cd {shlex.quote(str(folder))}"]
    lines += _base(keep)
    for source, target in (binds or {}).items():
        lines += _bind(source, target)
    clean = {"PATH": SYSTEM_PATH, "HOME": "/root", "LANG": "C.UTF-8", **(variables or {})}
    settings = [f"{name}={value}" for name, value in clean.items()]
    lines.append(
        shlex.join(["chroot", ".", "env", "-i", "-C", cwd, *settings, *(os.fspath(each) for each in arguments)])
    )
    shell = ["sh", "-c", "\n".join(lines)]
    return [*_enter(), *shell]


def _enter() -> list[str]:
    return [sys.executable, "-I", user_namespace.__file__, *NAMESPACES]


def _registration(emulator: Path | None) -> list[str]:
    """Return commands that register `emulator` for Arm programs, in this namespace only; needs Linux 6.7 or newer."""
    if emulator is None:
        return []
    place = "/proc/sys/fs/binfmt_misc"
    rule = f":llamapack:M::{AARCH64}:{emulator}:F"
    return [f"mount -t binfmt_misc none {place}", f"printf %s {shlex.quote(rule)} > {place}/register"]


def _base(keep: bool) -> list[str]:
    """Return commands that mount the root, or an overlay of it, over its own folder, with /proc, /sys and /dev."""
    layer = [
        "mount -t tmpfs none mnt",
        "mkdir mnt/upper mnt/work",
        "mount -t overlay -o lowerdir=.,upperdir=mnt/upper,workdir=mnt/work,userxattr none .",
    ]
    return [
        *(["mount --bind . ."] if keep else layer),
        'cd "$PWD"',
        "mount -t proc none proc",
        "mount --rbind /sys sys",
        "mount -t tmpfs -o mode=755 none dev",
        f"for name in {DEVICES}; do : > dev/$name; mount --bind /dev/$name dev/$name; done",
        "mkdir -m 1777 dev/shm",
        "ln -s /proc/self/fd dev/fd",
    ]


def _bind(source: Path, target: str) -> list[str]:
    inside, outside = shlex.quote(f".{target}"), shlex.quote(str(source))
    empty = f"mkdir -p {inside}" if source.is_dir() else f"mkdir -p $(dirname {inside}); : >> {inside}"
    return [empty, f"mount --rbind {outside} {inside}"]


def emulator_for(root: Root) -> Path | None:
    """Return the emulator that runs the programs of `root` on this machine; None if its processor can."""
    if (name := _emulator(root)) is None:
        return None
    if found := find_emulator(name):
        return found
    raise UnavailableError(how_to_get(name), why=f"A Debian root for {root.architecture} is wanted.")


def _emulator(root: Root) -> str | None:
    if root.architecture not in TARGETS:
        raise ToolError(f"{root.architecture!r} is not a processor for Debian roots.", fix=valid("names", TARGETS))
    host, target = host_target(), TARGETS[root.architecture]
    return None if host == target else load_matrix().target(target).emulated.get(host, "")


def _require(root: Root, mib: int) -> None:
    purpose = f"A Debian {root.suite} root"
    if sys.platform != "linux" or not apt.is_here():
        raise UnavailableError(
            f"{purpose} cannot be made here.", why="It is made of Debian's packages, with debootstrap."
        )
    if os.geteuid() != 0:
        fix = "Run the same as root once; then anyone can use it."
        raise UnavailableError(f"{purpose} can only be made by root.", fix=fix)
    emulator = _emulator(root)
    more = [PACKAGES[emulator]] if emulator and not find_emulator(emulator) else []
    apt.require(["debootstrap", *more], purpose=purpose)
    require_space(root.folder, mib, purpose=purpose)
    _require_namespaces(emulator_for(root))


def _require_namespaces(emulator: Path | None) -> None:
    """Raise UnavailableError unless programs can run in namespaces on this machine."""
    lines = ["set -e", *_registration(emulator), "mount -t tmpfs none /mnt"]
    done = run([*_enter(), "sh", "-c", "\n".join(lines)], check=False)
    if done.returncode != 0:
        raise UnavailableError(
            "Programs cannot run in a root folder on this machine.",
            why=done.stderr.strip(),
            fix="It takes user namespaces with mounts"
            + (", and Linux 6.7 or newer to run programs of another processor in them." if emulator else "."),
        )


def _make(root: Root, folder: Path) -> None:
    script = SCRIPTS / root.suite
    arguments = ["debootstrap", "--foreign", "--variant=minbase", f"--arch={root.architecture}", "--force-check-gpg"]
    arguments.append(f"--keyring={apt.KEYRING}")
    if root.packages:
        arguments.append(f"--include={','.join(sorted(root.packages))}")
    arguments += [root.suite, str(folder), apt.mirror(), str(script if script.exists() else SCRIPTS / "sid")]
    log_file, what = BUILD / f"{root.folder.name}.log", f"A Debian {root.suite} root could not be made"
    fix = f"See whether this machine's mirror has {root.suite} for {root.architecture}, and {', '.join(root.packages)}."
    run_logged([*NAMESPACES, *arguments], log_file=log_file, what=what, fix=fix)
    # debootstrap resolves dependencies in Perl, which takes an hour if Perl is emulated; dpkg knows them, too.
    (folder / "debootstrap" / "base").write_text("", encoding="utf-8")
    for arguments in (["/debootstrap/debootstrap", "--second-stage"], ["sh", "-c", INSTALL]):
        variables = {"container": "lxc"}  # debootstrap then makes no devices, which is not allowed in a user namespace
        inside = command(folder, arguments, variables=variables, emulator=emulator_for(root), keep=True)
        run_logged(inside, log_file=log_file, what=what, fix=fix)
    for package in (folder / "var" / "cache" / "apt" / "archives").glob("*.deb"):
        package.unlink()
