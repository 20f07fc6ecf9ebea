"""Debian roots are made whole or not at all; what runs in one changes nothing, and leaves nothing when it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.errors import ToolError, UnavailableError
from tools.platforms import apt, debian_roots, emulators
from tools.platforms.debian_roots import Root, command, emulator_for, ensure_root

if sys.platform != "linux":
    pytest.skip("roots are Linux folders", allow_module_level=True)

DEBOOTSTRAP = """#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in *broken*) echo "E: no such suite" >&2; exit 1;; esac
for folder; do case $folder in /*.new-*) mkdir -p "$folder/var/cache/apt/archives" "$folder/debootstrap"
  echo python3 > "$folder/debootstrap/base"
  echo > "$folder/var/cache/apt/archives/a.deb";; esac; done
"""


def test_folder_is_named_by_all_that_a_root_is_made_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path))
    one = Root(suite="trixie", packages=("python3", "gcc"))
    assert one.folder == Root(suite="trixie", packages=("gcc", "python3")).folder
    assert one.folder.parent == tmp_path / "debian" / "roots"
    assert one.folder.name.startswith("trixie-amd64-")
    others = [Root(suite="forky", packages=("python3", "gcc")), Root(suite="trixie", packages=("gcc",))]
    others.append(Root(suite="trixie", architecture="arm64", packages=("python3", "gcc")))
    assert len({root.folder for root in (one, *others)}) == 4


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Debian machine with a debootstrap that only writes down what it was told; returns its log."""
    (bin_ := tmp_path / "bin").mkdir()
    for name, text in {"debootstrap": DEBOOTSTRAP, "unshare": '#!/bin/sh\nshift 4\nexec "$@"\n'}.items():
        (bin_ / name).write_text(text)
        (bin_ / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(apt, "is_here", lambda: True)
    monkeypatch.setattr(apt, "require", lambda names, **more: None)
    monkeypatch.setattr(apt, "mirror", lambda: "https://mirror.example/debian")
    monkeypatch.setattr(debian_roots, "BUILD", tmp_path / "build")
    monkeypatch.setattr(debian_roots, "SCRIPTS", tmp_path / "scripts")
    monkeypatch.setattr(debian_roots, "_require_namespaces", lambda emulator: None)
    monkeypatch.setattr(debian_roots, "host_target", lambda: "linux-x86_64")
    monkeypatch.setattr(debian_roots, "command", lambda folder, words, **more: ["debootstrap", *words[:2]])
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "trixie").touch()
    return tmp_path / "log"


def test_root_is_made_once_in_two_stages_from_this_machines_mirror(
    machine: Path, tmp_path: Path, said: list[str]
) -> None:
    root = Root(suite="trixie", packages=("python3", "gcc"))
    folder = ensure_root(root)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert [(path.name, path.read_text()) for path in files] == [("base", "")]
    assert said == [f"Making a Debian trixie root for amd64 in {folder}, which takes minutes"]
    first, *then = machine.read_text().splitlines()
    *options, _, mirror, script = first.split()
    assert options[:3] == ["--foreign", "--variant=minbase", "--arch=amd64"]
    assert options[3:] == ["--force-check-gpg", f"--keyring={apt.KEYRING}", "--include=gcc,python3", "trixie"]
    assert (mirror, script) == ("https://mirror.example/debian", str(tmp_path / "scripts" / "trixie"))
    assert then == ["/debootstrap/debootstrap --second-stage", "sh -c"]
    said.clear()
    assert ensure_root(root) == folder
    assert said == []


def test_release_that_debootstrap_does_not_know_is_made_like_sid(machine: Path, tmp_path: Path) -> None:
    ensure_root(Root(suite="forky"))
    first = machine.read_text().splitlines()[0]
    assert first.split()[-1] == str(tmp_path / "scripts" / "sid")
    assert "--include" not in first


def test_failure_leaves_no_root_and_names_the_release(machine: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^A Debian broken root could not be made\.\n(?s:.)* has broken for amd64"):
        ensure_root(Root(suite="broken"))
    assert [path for path in (tmp_path / "cache/debian/roots").iterdir() if path.is_dir()] == []


def test_what_a_killed_run_left_is_no_root(machine: Path) -> None:
    root = Root(suite="trixie")
    half = root.folder.parent / f".{root.folder.name}.new-12345678"
    half.mkdir(parents=True)
    assert ensure_root(root) == root.folder
    assert not half.exists()


@pytest.mark.usefixtures("silent")
def test_others_than_root_are_told_who_makes_one_and_use_it(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Root(suite="trixie")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(
        UnavailableError, match=r"^A Debian trixie root can only be made by root\.\nRun the same as root"
    ):
        ensure_root(root)
    root.folder.mkdir()
    assert ensure_root(root) == root.folder


def test_machine_without_apt_makes_none(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apt, "is_here", lambda: False)
    with pytest.raises(UnavailableError, match=r"^A Debian trixie root cannot be made here\.\n.*debootstrap"):
        ensure_root(Root(suite="trixie"))


def test_foreign_root_needs_the_emulator_of_the_matrix(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian_roots, "find_emulator", lambda name: Path("/emulators", name))
    assert emulator_for(Root(suite="trixie", architecture="arm64")) == Path("/emulators/qemu-aarch64")
    assert emulator_for(Root(suite="trixie")) is None
    monkeypatch.setattr(debian_roots, "find_emulator", lambda name: None)
    with pytest.raises(UnavailableError, match=f"^{emulators.how_to_get('qemu-aarch64')}\n.*root for arm64 is wanted"):
        emulator_for(Root(suite="trixie", architecture="arm64"))


def test_unknown_processor_is_refused_with_the_names(machine: Path) -> None:
    with pytest.raises(ToolError, match=r"^'x86_64' is not a processor .*\nValid names: amd64, arm64\.$"):
        ensure_root(Root(suite="trixie", architecture="x86_64"))


# --- inside ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _namespaces() -> None:
    try:
        debian_roots._require_namespaces(None)
    except UnavailableError as error:
        pytest.skip(" ".join(str(error).splitlines()))


Inside = Callable[..., list[str]]


@pytest.fixture
def inside(_namespaces: None, tmp_path: Path) -> Inside:
    """The command line of something in a small root, which borrows this machine's programs."""
    folder = tmp_path / "a root, with ö"
    for name in ("proc", "sys", "dev", "mnt"):
        (folder / name).mkdir(parents=True)
    borrowed = {Path("/", name): f"/{name}" for name in ("usr", "bin", "lib", "lib64") if Path("/", name).exists()}

    def build(*words: str, binds: dict[Path, str] | None = None, **options: object) -> list[str]:
        found: list[str] = command(folder, words, binds={**borrowed, **(binds or {})}, **options)  # type: ignore[arg-type]  # passed on
        return found

    return build


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


def test_environment_inside_is_clean(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/mine")
    done = run(inside("env", variables={"MINE": "a b"}, cwd="/usr"))
    assert sorted(done.stdout.splitlines()) == [
        "HOME=/root",
        "LANG=C.UTF-8",
        "MINE=a b",
        f"PATH={debian_roots.SYSTEM_PATH}",
    ]
    assert run(inside("pwd", cwd="/usr")).stdout == "/usr\n", done.stderr


def test_writes_go_to_what_is_bound_and_nowhere_else(inside: Inside, tmp_path: Path) -> None:
    (shared := tmp_path / "sha'red").mkdir()
    (file := tmp_path / "file").write_text("old")
    script = "echo $(id -u) > /own && cp /own /shared/copy && cat /deep/file > /shared/old && echo > /dev/null"
    done = run(inside("sh", "-c", script, binds={shared: "/shared", file: "/deep/file"}))
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name: path.read_text() for path in shared.iterdir()} == {"copy": "0\n", "old": "old"}
    assert sorted(path.name for path in (tmp_path / "a root, with ö").iterdir()) == ["dev", "mnt", "proc", "sys"]


def test_how_it_ended_is_told(inside: Inside) -> None:
    assert run(inside("sh", "-c", "exit 7")).returncode == 7
    assert run(inside("sh", "-c", "kill -ILL $$")).returncode == 128 + signal.SIGILL
    assert run(inside("no-such-program")).returncode == 127


def test_killed_run_leaves_neither_process_nor_mount(inside: Inside, tmp_path: Path) -> None:
    before = Path("/proc/self/mounts").read_text()
    (shared := tmp_path / "shared").mkdir()
    script = "echo ready > /shared/ready; while echo alive > /shared/alive; do sleep 0.02; done"
    with subprocess.Popen(inside("sh", "-c", script, binds={shared: "/shared"})) as running:
        while not (shared / "alive").exists():
            assert running.poll() is None
            time.sleep(0.02)
        running.kill()
    assert Path("/proc/self/mounts").read_text() == before
    assert _falls_silent(shared / "alive")


def _falls_silent(file: Path) -> bool:
    for _ in range(500):
        file.unlink(missing_ok=True)
        time.sleep(0.2)
        if not file.exists():
            return True
    return False
