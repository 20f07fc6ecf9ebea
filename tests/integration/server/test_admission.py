"""Which models are loaded at once, by memory, number and what a file says of them; and what is tried after faults."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from llamapack.backends.cpu import choose_cpu, cpu_levels
from llamapack.server.runners.recovery import next_lower

from tests.support.server.serving import LONG, Served, runners_of, wait_until

CONTEXT = 8192
"""With it, each model takes some 300 MiB; most of that is never touched."""
MIB = 1 << 20


@pytest.fixture(scope="session")
def three(model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three models, which are one file."""
    folder = tmp_path_factory.mktemp("three")
    for name in ("first", "second", "third"):
        (folder / f"{name}.gguf").symlink_to(model_path)
    return folder


def states(served: Served) -> dict[str, str]:
    return {model["name"]: model["state"] for model in served.health()["models"]}


def ask(served: Served, model: str) -> int:
    return served.ask("POST", "/v1/completions", {"prompt": "a", "max_tokens": 2, "model": model})[0]


def needed(served: Served, name: str) -> int:
    """Return what a model takes, in MiB, rounded up."""
    (bytes_,) = [model["needs"]["host"] for model in served.health()["models"] if model["name"] == name]
    return -(-int(bytes_) // MIB)


def test_models_are_unloaded_when_there_is_no_memory_for_all(serve: Callable[..., Served], three: Path) -> None:
    roomy = serve("--ctx-size", str(CONTEXT), model=three)
    assert [ask(roomy, name) for name in ("first", "second", "third")] == [200] * 3
    assert set(states(roomy).values()) == {"ready"}
    each = needed(roomy, "first")
    assert each > CONTEXT * 30 * 2 * 192 * 2 // MIB  # tokens, layers, keys and values, width, bytes
    roomy.kill()
    tight = serve("--ctx-size", str(CONTEXT), "--memory", str(2 * each), model=three)
    for name, loaded in (("first", {"first"}), ("second", {"first", "second"}), ("third", {"second", "third"})):
        assert ask(tight, name) == 200
        assert {each for each, state in states(tight).items() if state == "ready"} == loaded
    assert len(runners_of(tight.process.pid)) == 2
    assert "first is unloaded, to make room for third" in tight.log


def test_one_that_does_not_fit_beside_those_in_use_waits_for_them(serve: Callable[..., Served], three: Path) -> None:
    served = serve("--memory", "1", "-o", "context_shift=true", "--ctx-size", "512", model=three)
    with served.begin("POST", "/completion", {**LONG, "model": "first"}) as stream:
        assert stream.readline()
        with served.begin("POST", "/completion", {**LONG, "model": "first"}) as other:
            assert other.readline()
        body = json.dumps({"prompt": "a", "n_predict": 2, "model": "second"}).encode()
        with served.connect() as waiting:
            head = f"POST /completion HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            waiting.sendall(head.encode() + body)
            wait_until(lambda: states(served)["second"] == "loading" and len(runners_of(served.process.pid)) == 2)
            assert states(served)["first"] == "ready"
            stream.close()
            assert waiting.recv(100).startswith(b"HTTP/1.1 200 ")
    assert states(served) == {"first": "unloaded", "second": "ready", "third": "unloaded"}
    assert "second is loaded although it may not fit: It takes" in served.log  # alone, too, it takes more than 1 MiB


def test_pins_priorities_and_times(serve: Callable[..., Served], three: Path, tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    paths = {name: json.dumps(str(three / f"{name}.gguf")) for name in ("first", "second", "third")}
    file.write_text(
        f"""
        [models.pinned]
        path = {paths["first"]}
        pin = true
        options = {{ ctx_size = 256, parallel = 1 }}

        [models.important]
        path = {paths["second"]}
        priority = 5

        [models.brief]
        path = {paths["third"]}
        ttl = 0
        """
    )
    served = serve("--models", str(file), "--max-loaded", "2", "--ctx-size", "512", model=three / "third.gguf")
    wait_until(lambda: states(served)["pinned"] == "ready")
    properties = served.ask("GET", "/props?model=pinned")[1]
    assert (properties["total_slots"], properties["default_generation_settings"]["n_ctx"]) == (1, 256)
    assert ask(served, "important") == 200
    assert ask(served, "third") == 200  # the pinned one stays
    assert states(served) == {"pinned": "ready", "important": "unloaded", "third": "ready", "brief": "unloaded"}
    assert ask(served, "brief") == 200
    wait_until(lambda: states(served)["brief"] == "unloaded")
    assert states(served)["pinned"] == "ready"


def test_the_least_important_is_unloaded_first(serve: Callable[..., Served], three: Path, tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    text = (f"[models.{name}]\npath = {json.dumps(str(three / 'first.gguf'))}\npriority = {rank}\n" for name, rank in
            (("high", 1), ("low", -1), ("middle", 0)))  # fmt: skip
    file.write_text("".join(text))
    served = serve("--models", str(file), "--max-loaded", "2", "--ctx-size", "512", model=None)
    assert [ask(served, name) for name in ("high", "low", "middle")] == [200] * 3  # high was not asked for longest
    assert states(served) == {"high": "ready", "low": "unloaded", "middle": "ready"}


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process can be set on Linux only")
def test_less_context_after_running_out_of_memory(serve: Callable[..., Served], tmp_path: Path, three: Path) -> None:
    variables = {"LLAMAPACK_CACHE_DIR": str(tmp_path)}
    steps = ("--on-out-of-memory", "ctx_size=900000", "--on-out-of-memory", "ctx_size=256,parallel=1")
    served = serve("--ctx-size", "1000000", *steps, model=three, env=variables)
    most = 8 << 30  # bytes; the first two contexts would take some 20 GiB
    resource.prlimit(served.process.pid, resource.RLIMIT_AS, (most, most))
    assert ask(served, "first") == 200
    (about,) = [model for model in served.health()["models"] if model["name"] == "first"]
    assert (about["state"], about["kind"], about["restarts"]) == ("ready", "memory", 2)
    assert about["notes"][1] == "It ran out of memory, and is loaded with ctx_size=256, parallel=1."
    assert served.ask("GET", "/props?model=first")[1]["total_slots"] == 1
    told = [sys.executable, "-m", "llamapack", "doctor", "--json"]
    shown = subprocess.run(told, capture_output=True, text=True, check=False, env={**os.environ, **variables})
    faults = json.loads(shown.stdout)["faults"]
    assert [(fault["model"], fault["kind"]) for fault in faults] == [("first", "memory")] * 2
    assert "cannot be made" in faults[0]["what"]


@pytest.mark.skipif(
    not hasattr(signal, "SIGILL") or not Path("/proc/self/maps").exists(), reason="no SIGILL, or no /proc"
)
def test_a_lower_cpu_level_after_wrong_instructions(serve: Callable[..., Served], tiny: Path) -> None:
    best = choose_cpu().level
    lower = next_lower(cpu_levels(), best)
    if lower is None or "LLAMAPACK_CPU" in os.environ:
        pytest.skip("this processor runs one level only, or the level is asked for")
    served = serve(model=tiny)
    for restarts in (1, 2):
        os.kill(served.runner, signal.SIGILL)
        wait_until(lambda restarts=restarts: served.model()["restarts"] == restarts)  # type: ignore[misc]
        wait_until(lambda: served.model()["state"] == "ready")
    about = served.model()
    assert about["notes"] == [f"The CPU level {best.name} failed 2 times, so {lower.name} is used."]
    assert about["kind"] == "instruction"
    maps = Path(f"/proc/{served.runner}/maps").read_text()
    assert lower.path.name in maps
    assert best.path.name not in maps


def test_what_a_model_takes_is_known_for_damaged_files_too(
    serve: Callable[..., Served], three: Path, tmp_path: Path
) -> None:
    shutil.copy(three / "first.gguf", tmp_path / "good.gguf")
    (tmp_path / "wrong.gguf").write_bytes((three / "first.gguf").read_bytes()[:-1000])
    served = serve("--ctx-size", "512", model=tmp_path)
    assert ask(served, "wrong") == 503
    (about,) = [model for model in served.health()["models"] if model["name"] == "wrong"]
    assert (about["state"], about["kind"], about["needs"]) == ("failed", "file", {})
    assert ask(served, "good") == 200
