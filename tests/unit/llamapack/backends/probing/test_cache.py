"""Verdicts are remembered while nothing that they depend on has changed, and never in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from llamapack.backends.children.processes import ProcessResult
from llamapack.backends.contract import BackendPlugin
from llamapack.backends.probing import cache, fingerprint, probe
from llamapack.backends.probing.cache import CacheFile, verdicts_folder
from llamapack.backends.probing.probe import ProbeJob, run_jobs
from llamapack.backends.probing.verdict_cache import read_verdict, write_verdict
from llamapack.backends.verdicts import Fault, Status, Verdict
from llamapack.errors import InputError

GOOD = Verdict(name="vulkan", package="llamapack-vulkan", status=Status.USABLE, seconds=1.5)
BAD = replace(GOOD, status=Status.BROKEN, fault=Fault.CRASH, reason="crashed")


@pytest.fixture(autouse=True)
def core(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fingerprint, "_code_key", lambda: {"abi": "1"})
    monkeypatch.setattr(probe, "instructions", lambda job, seconds: {})
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("LLAMAPACK_PROBE", "LLAMAPACK_PROBE_SECONDS", "LLAMAPACK_PROBE_PYTHON"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def plugin(tmp_path: Path) -> BackendPlugin:
    library = tmp_path / "libggml-vulkan.so"
    library.write_bytes(b"1")
    return BackendPlugin(
        name="vulkan", package="llamapack-vulkan", version="1", library=library, abi_id="1", llama_commit="2"
    )


def file_of(plugin: BackendPlugin, tmp_path: Path) -> CacheFile:
    return CacheFile.of("vulkan", fingerprint.backend_key(plugin), tmp_path / "verdicts")


def test_a_verdict_is_kept(plugin: BackendPlugin, tmp_path: Path) -> None:
    assert read_verdict(file_of(plugin, tmp_path), plugin) is None
    write_verdict(file_of(plugin, tmp_path), GOOD)
    assert read_verdict(file_of(plugin, tmp_path), plugin) == replace(GOOD, plugin=plugin, cached=True)


@pytest.mark.parametrize(
    "change", ["library", "preload", "environment", "visible", "version", "boot", "driver", "node", "user"]
)
def test_a_change_makes_it_unknown(
    plugin: BackendPlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    root = tmp_path / "root"
    for name in ("proc/sys/kernel/random/boot_id", "sys/module/nvidia/version"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("first")
    (root / "dev").mkdir()

    def place() -> CacheFile:
        return CacheFile.of("vulkan", fingerprint.backend_key(plugin, root), tmp_path / "verdicts")

    write_verdict(place(), GOOD)
    assert read_verdict(place(), plugin) is not None
    if change == "library":
        plugin.library.write_bytes(b"22")
    elif change == "preload":
        plugin = replace(plugin, preload=(tmp_path / "libfirst.so",))
    elif change == "environment":
        monkeypatch.setenv("LD_LIBRARY_PATH", "/somewhere/else")
    elif change == "visible":
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    elif change == "version":
        plugin = replace(plugin, version="2")
    elif change == "boot":
        (root / "proc/sys/kernel/random/boot_id").write_text("second")
    elif change == "driver":
        (root / "sys/module/nvidia/version").write_text("second")
    elif change == "node":
        (root / "dev/kfd").touch()
    elif change == "user":
        monkeypatch.setattr(os, "getgroups", lambda: [12345])
    assert read_verdict(place(), plugin) is None


def test_secrets_are_not_kept(plugin: BackendPlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVIDIA_API_KEY", "nvapi-1234")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    write_verdict(file_of(plugin, tmp_path), GOOD)
    (file,) = (tmp_path / "verdicts").glob("*.json")
    kept = json.loads(file.read_text(encoding="utf-8"))["key"]["environment"]
    assert ("NVIDIA_API_KEY" in kept, kept["CUDA_VISIBLE_DEVICES"]) == (False, "3")


def test_an_unrelated_variable_changes_nothing(
    plugin: BackendPlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_verdict(file_of(plugin, tmp_path), GOOD)
    monkeypatch.setenv("EDITOR", "ed")
    assert read_verdict(file_of(plugin, tmp_path), plugin) is not None


def test_a_library_that_was_loaded_and_has_changed_makes_it_unknown(plugin: BackendPlugin, tmp_path: Path) -> None:
    driver = tmp_path / "libdriver.so"
    driver.write_bytes(b"1")
    write_verdict(file_of(plugin, tmp_path), replace(GOOD, libraries=(driver,)))
    assert read_verdict(file_of(plugin, tmp_path), plugin) is not None
    driver.write_bytes(b"new")
    assert read_verdict(file_of(plugin, tmp_path), plugin) is None


@pytest.mark.parametrize(("fault", "seconds"), [(Fault.CRASH, 3600), (Fault.TIMEOUT, 600)])
def test_failures_are_forgotten_after_a_time(
    plugin: BackendPlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, seconds: int
) -> None:
    write_verdict(file_of(plugin, tmp_path), replace(BAD, fault=fault))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds - 60)
    assert read_verdict(file_of(plugin, tmp_path), plugin) is not None
    monkeypatch.setattr(time, "time", lambda: now + seconds + 60)
    assert read_verdict(file_of(plugin, tmp_path), plugin) is None
    monkeypatch.setattr(time, "time", lambda: now - 3700)  # the clock was set back
    assert read_verdict(file_of(plugin, tmp_path), plugin) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"{", b"[]", b"null", b'{"content": 3}', b'{"content": {"name": "x"}}', b"[" * 100_000],
)
def test_a_damaged_file_is_as_if_it_were_not_there(plugin: BackendPlugin, tmp_path: Path, content: bytes) -> None:
    place = file_of(plugin, tmp_path)
    write_verdict(place, GOOD)
    assert place.path is not None
    place.path.write_bytes(content)
    assert read_verdict(place, plugin) is None
    write_verdict(place, GOOD)
    assert read_verdict(place, plugin) is not None


def test_a_file_cut_anywhere_is_not_believed(plugin: BackendPlugin, tmp_path: Path) -> None:
    place = file_of(plugin, tmp_path)
    write_verdict(place, GOOD)
    assert place.path is not None
    whole = place.path.read_bytes()
    for length in range(0, len(whole), 7):
        place.path.write_bytes(whole[:length])
        assert read_verdict(place, plugin) is None


@pytest.mark.parametrize("folder", ["none", "file", "read-only"])
def test_a_folder_that_cannot_be_written_changes_nothing(plugin: BackendPlugin, tmp_path: Path, folder: str) -> None:
    where: Path | None = tmp_path / "x"
    if folder == "none":
        where = None
    elif folder == "file":
        (tmp_path / "x").write_text("a file, and no folder")
    else:
        (tmp_path / "x").mkdir(mode=0o500)
    place = CacheFile.of("vulkan", fingerprint.backend_key(plugin), where / "verdicts" if where else None)
    with place.locked(time.monotonic() + 1):
        write_verdict(place, GOOD)
    if folder != "read-only" or os.getuid():  # nothing is read-only to root
        assert read_verdict(place, plugin) is None


def test_old_files_are_removed_once_there_are_many(
    plugin: BackendPlugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MOST_FILES", 3)
    for index in range(6):
        write_verdict(CacheFile.of(f"v{index}", {}, tmp_path / "verdicts"), GOOD)
        time.sleep(0.01)
    assert sorted(path.name[:2] for path in (tmp_path / "verdicts").iterdir()) == ["v3", "v4", "v5"]


def test_the_folder_follows_the_systems_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert verdicts_folder() == tmp_path / "cache" / "verdicts"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(Path("~", "mine")))
    assert verdicts_folder() == tmp_path / "mine" / "verdicts"
    monkeypatch.delenv("LLAMAPACK_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert verdicts_folder() == tmp_path / "xdg" / "llamapack" / "verdicts"

    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    assert verdicts_folder() is None


class Runs:
    """Stands for `run_children`: counts, and answers with one correct device each time."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []

    def __call__(self, commands: Any, seconds: float) -> tuple[ProcessResult, ...]:
        self.commands += [list(each(9)) for each in commands]
        device = {"name": "V", "description": "", "kind": "gpu", "memory_free": 1, "memory_total": 1}
        device |= {"error_f16": 0.0, "error_quantized": 0.0}
        report = json.dumps({"result": {"devices": [device], "libraries": []}}).encode()
        return tuple(ProcessResult(status=0, report=report, output="", seconds=0.1) for _ in commands)


def test_modes(plugin: BackendPlugin, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs()

    def look(mode: str | None = None) -> Verdict:
        return run_jobs([ProbeJob(plugin=plugin, cpu=plugin.library)], mode=mode, run=runs)[0]

    unknown = look("never")
    assert (unknown.status, unknown.fault, unknown.usable) == (Status.UNPROBED, Fault.NOT_ASKED, True)
    assert (
        unknown.reason
        == "llamapack-vulkan 1 was not probed: LLAMAPACK_PROBE is never, and nothing is known from before"
    )
    assert len(runs.commands) == 0
    assert (look().status, len(runs.commands)) == (Status.USABLE, 1)
    assert (look("cached").cached, look("never").cached, len(runs.commands)) == (True, True, 1)
    assert (look("always").cached, len(runs.commands)) == (False, 2)
    monkeypatch.setenv("LLAMAPACK_PROBE", "always")
    assert (look().cached, look("cached").cached, len(runs.commands)) == (False, True, 3)
    monkeypatch.setenv("LLAMAPACK_PROBE", "sometimes")
    with pytest.raises(InputError) as caught:
        look()
    assert str(caught.value) == (
        "LLAMAPACK_PROBE is 'sometimes', which is not a mode.\nUse one of: always, cached, never."
    )


@pytest.mark.parametrize("seconds", ["soon", "0", "-1", "1e9", "nan"])
def test_a_time_that_means_nothing_is_refused(
    plugin: BackendPlugin, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    monkeypatch.setenv("LLAMAPACK_PROBE_SECONDS", seconds)
    with pytest.raises(InputError, match=f"LLAMAPACK_PROBE_SECONDS is '{seconds}'"):
        run_jobs([ProbeJob(plugin=plugin, cpu=plugin.library)], run=Runs())


def test_without_an_interpreter_nothing_is_probed_or_kept(
    plugin: BackendPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    runs = Runs()
    found = run_jobs([ProbeJob(plugin=plugin, cpu=plugin.library)], run=runs)[0]
    assert (found.status, found.fault) == (Status.UNPROBED, Fault.NO_PYTHON)
    assert found.reason == "llamapack-vulkan 1 was not probed: this program carries its Python inside itself"
    assert found.remedy == "Set LLAMAPACK_PROBE_PYTHON to the path of a Python interpreter."
    monkeypatch.delattr(sys, "frozen")
    assert run_jobs([ProbeJob(plugin=plugin, cpu=plugin.library)], run=runs)[0].status is Status.USABLE


def test_a_probe_does_not_probe(plugin: BackendPlugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMAPACK_PROBE_RUN", "x")
    runs = Runs()
    found = run_jobs([ProbeJob(plugin=plugin, cpu=plugin.library)], run=runs)[0]
    assert (found.fault, runs.commands) == (Fault.NO_PYTHON, [])


def test_the_command_is_python_alone_with_an_absolute_path(plugin: BackendPlugin) -> None:
    runs = Runs()
    run_jobs([ProbeJob(plugin=plugin, cpu=plugin.library)], run=runs)
    python, isolated, bare, program, job = runs.commands[0]
    assert (python, isolated, bare) == (sys.executable, "-I", "-S")
    assert Path(program) == Path(probe.__file__).resolve().parent / "_probe.py"
    assert json.loads(job) == {"report": 9}


def test_a_known_verdict_costs_little(plugin: BackendPlugin) -> None:
    jobs = [ProbeJob(plugin=plugin, cpu=plugin.library)]
    run_jobs(jobs, run=Runs())
    times = []
    for _ in range(20):
        began = time.perf_counter()
        assert run_jobs(jobs)[0].cached
        times.append(time.perf_counter() - began)
    assert min(times) < 0.005


MANY = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from llamapack.backends.probing.cache import CacheFile
from llamapack.backends.probing.verdict_cache import read_verdict, write_verdict
from llamapack.backends.verdicts import Status, Verdict
place = CacheFile.of("vulkan", {"a": 1}, Path(sys.argv[2]))
found = read_verdict(place, None)
if found is None:
    with place.locked(time.monotonic() + 60):
        found = read_verdict(place, None)
        if found is None:
            os.write(1, b"probed\\n")
            time.sleep(0.2)
            write_verdict(place, Verdict(name="vulkan", package="p", status=Status.USABLE))
            found = read_verdict(place, None)
assert found is not None and found.usable
"""


def test_of_many_processes_at_once_one_probes(tmp_path: Path) -> None:
    package = Path(cache.__file__).parents[3]
    words = [sys.executable, "-c", MANY, str(package), str(tmp_path / "verdicts")]
    children = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(8)]
    answers = [(child.communicate(timeout=60), child.returncode) for child in children]
    assert {(err, status) for (_, err), status in answers} == {(b"", 0)}
    assert b"".join(out for (out, _), _ in answers) == b"probed\n"


def test_nobody_waits_for_a_lock_beyond_the_deadline(tmp_path: Path) -> None:
    place = CacheFile.of("vulkan", {}, tmp_path)
    with place.locked(time.monotonic() + 10):
        began = time.monotonic()
        with place.locked(began + 0.2):
            assert 0.2 <= time.monotonic() - began < 5
