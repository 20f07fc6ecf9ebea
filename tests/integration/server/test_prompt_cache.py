"""Beginnings of prompts on disk: they outlive the server and its models, and whatever is wrong there ends nothing."""

from __future__ import annotations

import os
import random
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.gguf.files import bpe_vocabulary
from tests.support.llama.templates import TOOLS
from tests.support.reference.made_adapters import write_lora
from tests.support.reference.made_models import write_model
from tests.support.reference.weights import read_weights
from tests.support.server.serving import SMALL, Served, wait_until

Serve = Callable[..., Served]
needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes are set on Linux only")
LONGER = ("--ctx-size", "8192", "--parallel", "2", "-o", "override_kv=llama.context_length=int:8192")


def text(number: int) -> str:
    """Return one of many texts of 3,000 tokens of the tiny model, which begin in different ways."""
    return "".join(random.Random(number).choices("abcdefghij", k=3000))  # noqa: S311 - no secret


def complete(served: Served, prompt: str, **more: Any) -> tuple[str, int]:
    """Return how a greedy answer goes on, and how many tokens of the prompt were not computed."""
    body = {"prompt": prompt, "n_predict": 8, "temperature": 0, "ignore_eos": True, **more}
    status, answer, _ = served.ask("POST", "/completion", body)
    assert status == 200, answer
    return answer["content"], answer["timings"]["cache_n"]


def about(served: Served, number: int = 0) -> Any:
    return served.health()["models"][number]["prompt_cache"]


def save(served: Served, prompt: str) -> str:
    """Ask something new, wait until it is on disk, and return the answer."""
    before = about(served)
    answer, cached = complete(served, prompt)
    assert cached < 100
    wait_until(lambda: (now := about(served))["saved"] + now["failures"] > before["saved"] + before["failures"])
    assert about(served)["saved"] == before["saved"] + 1, served.log
    return answer


def files(folder: Path, ending: str = "state") -> list[Path]:
    return sorted(folder.glob(f"*/*.{ending}"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cached(serve: Serve, folder: Path) -> Callable[..., Served]:
    def start(*arguments: str, **more: Any) -> Served:
        return serve(*LONGER, "--prompt-cache", str(folder), *arguments, **more)

    return start


def test_a_restarted_server_computes_only_what_is_new(serve: Serve, cached: Serve) -> None:
    expected = [complete(serve(*LONGER), text(1) + more)[0] for more in ("x", "y")]
    first = cached()
    assert save(first, text(1) + "x") == expected[0]
    assert complete(first, text(1) + "y")[1] > 2900  # in memory
    assert first.end() == 0
    second = cached()
    assert complete(second, text(2))[1] < 100
    answer, count = complete(second, text(1) + "y")
    assert (answer, count > 2900) == (expected[1], True)
    found = about(second)
    assert (found["state"], found["restored"], found["missed"], found["failures"]) == ("on", 1, 1, 0)
    assert "tokens of a prompt were restored from disk" in second.log
    wait_until(lambda: about(second)["saved"] == 1)
    metrics = second.ask("GET", "/metrics")[1]
    assert 'llamapack_prompt_cache_requests_total{model="tiny",found="disk"} 1\n' in metrics
    assert 'llamapack_prompt_cache_saved_total{model="tiny"} 1\n' in metrics
    assert second.end() == 0


SYSTEM = "You are a helpful assistant who knows these rules. " + " ".join(
    f"Rule {number}: answer question {number * 7 % 100} before question {number * 3 % 100}." for number in range(52)
)


def chat(served: Served, route: str, question: str) -> tuple[str, int]:
    messages: list[dict[str, str]] = [{"role": "user", "content": question}]
    body: dict[str, Any] = {"model": "any", "max_tokens": 12, "temperature": 0, "messages": messages}
    if route == "/v1/messages":
        body["system"] = SYSTEM
    else:
        messages.insert(0, {"role": "system", "content": SYSTEM})
    if route == "/api/chat":
        body = {**body, "stream": False, "options": {"temperature": 0, "num_predict": 12}}
    status, answer, _ = served.ask("POST", route, body)
    assert status == 200, answer
    if route == "/v1/chat/completions":
        return answer["choices"][0]["message"]["content"], answer["timings"]["cache_n"]
    if route == "/v1/messages":
        return answer["content"][0]["text"], answer["usage"]["cache_read_input_tokens"]
    return answer["message"]["content"], -1


def test_a_system_prompt_is_restored_for_another_question(
    server: Served, serve: Serve, folder: Path, model_path: Path
) -> None:
    route, asked = "/v1/chat/completions", ("What is rule 3?", "Hello!")
    options = (*SMALL, "-o", f"chat_template={TOOLS}", "--prompt-cache", str(folder))
    expected = [chat(server, route, question)[0] for question in asked]
    first = serve(*options, model=model_path)
    assert chat(first, route, asked[0])[0] == expected[0]
    wait_until(lambda: about(first)["saved"] == 1)
    assert first.end() == 0
    second = serve(*options, model=model_path)
    answer, count = chat(second, route, asked[1])
    assert answer == expected[1]
    assert count > 500
    assert about(second)["restored"] == 1


@pytest.mark.parametrize("route", ["/v1/messages", "/api/chat"])
def test_so_it_is_for_clients_of_other_interfaces(serve: Serve, cached: Serve, route: str) -> None:
    template = ("-o", "chat_template=chatml")
    expected = chat(serve(*LONGER, *template), route, "Hello!")[0]
    first = cached(*template)
    chat(first, route, "What is rule 3?")
    wait_until(lambda: about(first)["saved"] == 1)
    assert first.end() == 0
    second = cached(*template)
    answer, count = chat(second, route, "Hello!")
    assert answer == expected
    assert about(second)["restored"] == 1
    assert count == -1 or count > 2000


def test_models_that_take_turns_keep_their_prompts(cached: Serve, tiny: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    other = write_model(models / "b.gguf", "llama", vocabulary=bpe_vocabulary())
    shutil.copy(tiny, models / "a.gguf")
    assert other.exists()
    served = cached("--max-loaded", "1", model=models)
    answers: dict[str, str] = {}
    for name in ("a", "b", "a", "b"):
        answer, count = complete(served, text(3) + "x", model=name)
        wait_until(lambda: all(about(served, number)["saved"] == 1 for number in range(len(answers))))
        assert answers.setdefault(name, answer) == answer
        restored = sum(about(served, number)["restored"] for number in (0, 1))
        assert (count > 0) == (restored > 0)
    assert [about(served, number)["restored"] for number in (0, 1)] == [1, 1]
    assert len({path.parent for path in files(served_folder(served))}) == 2


def served_folder(served: Served) -> Path:
    arguments = list(map(str, served.process.args))  # type: ignore[arg-type]  # a list
    return Path(arguments[arguments.index("--prompt-cache") + 1])


def damage(kind: str, path: Path, other: Path) -> None:
    data = bytearray(path.read_bytes())
    if kind == "a bit":
        data[len(data) // 2] ^= 1
    elif kind == "the end":
        data[-1] ^= 1
    elif kind == "shorter":
        del data[-100:]
    elif kind == "empty":
        data.clear()
    elif kind == "zeros":
        data[:] = bytes(len(data))
    path.unlink()
    if kind == "a fifo":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "of another prompt":
        path.write_bytes(other.read_bytes())
    elif kind != "gone":
        path.write_bytes(data)


@pytest.mark.parametrize(
    "kind", ["a bit", "the end", "shorter", "empty", "zeros", "gone", "a folder", "a fifo", "of another prompt"]
)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fifos, and opens folders in another way")
def test_damaged_files_change_no_answer(cached: Serve, folder: Path, kind: str) -> None:
    first = cached()
    expected = save(first, text(4) + "x")
    (path,) = files(folder)
    save(first, text(5) + "x")
    (other,) = set(files(folder)) - {path}
    assert first.end() == 0
    damage(kind, path, other)
    second = cached()
    answer, count = complete(second, text(4) + "x")
    assert answer == expected
    assert count < 100
    assert second.model()["restarts"] == 0
    assert complete(second, text(5) + "x")[1] > 2900  # the other one is as it was
    assert second.end() == 0
    assert "Traceback" not in second.log


def test_a_file_of_another_model_is_refused_and_removed(cached: Serve, folder: Path, tmp_path: Path) -> None:
    """Such a file may come there by hand only: each model has a folder of its own."""
    paths = [write_model(tmp_path / f"{n}.gguf", "llama", vocabulary=bpe_vocabulary(), n_layer=n) for n in (2, 3)]
    for path in paths:
        first = cached(model=path)
        save(first, text(6) + "x")
        expected = complete(first, text(6) + "x")[0]
        first.end()
    two, three = sorted(files(folder), key=lambda path: path.stat().st_size)
    for ending in (".state", ".json"):
        shutil.copy(two.with_suffix(ending), three.with_name(two.name).with_suffix(ending))
        three.with_suffix(ending).unlink()
    second = cached(model=paths[1])
    answer, count = complete(second, text(6) + "x")
    assert (answer, count) == (expected, 0)
    wait_until(lambda: "was saved with another model" in second.log)  # /health forgets it when the next one is saved
    assert not three.with_name(two.name).exists()


def test_the_folder_stays_within_its_bound(cached: Serve, folder: Path) -> None:
    served = cached("--prompt-cache-size", "1")
    for number in range(7):
        save(served, text(10 + number))
        assert sum(path.stat().st_size for path in folder.glob("*/*")) <= 1 << 20
    assert 2 <= len(files(folder)) < 7
    assert served.end() == 0
    again = cached("--prompt-cache-size", "1")
    assert complete(again, text(16))[1] > 2900
    assert complete(again, text(10))[1] < 100


def test_a_prompt_that_is_larger_than_the_bound_is_not_kept(cached: Serve, folder: Path) -> None:
    served = cached(
        "--prompt-cache-size", "1", "-o", "cache_type_k=f32", "-o", "cache_type_v=f32", "--ctx-size", "16384"
    )
    complete(served, "".join(text(number) for number in range(5))[:8000])
    wait_until(lambda: about(served)["failures"] == 1)
    assert "is larger than --prompt-cache-size" in about(served)["reason"]
    assert files(folder) == files(folder, "json") == files(folder, "part") == []


def test_two_servers_share_a_folder(cached: Serve) -> None:
    one, two = cached(), cached()
    expected = save(one, text(7) + "x")
    assert complete(two, text(7) + "x") == (expected, complete(one, text(7) + "x")[1])
    assert about(two)["restored"] == 1
    with ThreadPoolExecutor(4) as pool:
        for number in range(20, 24):
            list(pool.map(complete, (one, two), [text(number)] * 2))
    for served in (one, two):
        assert served.end() == 0
        assert "Traceback" not in served.log


def test_many_at_once_have_the_answers_that_they_have_alone(serve: Serve, cached: Serve) -> None:
    prompts = [text(number % 5) + letter for number, letter in enumerate("abcdefghijklmnopqrst")]
    plain = serve(*LONGER)
    expected = [complete(plain, prompt)[0] for prompt in prompts]
    for _ in range(2):
        served = cached()
        with ThreadPoolExecutor(4) as pool:
            found = pool.map(complete, [served] * len(prompts), prompts)
            assert [answer for answer, _ in found] == expected
        assert served.end() == 0
        assert "Traceback" not in served.log


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_this_user_can_read_the_files(cached: Serve, folder: Path) -> None:
    save(cached(), text(8))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.glob("**/*"))}
    assert modes == {0o600, 0o700}


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk with too little room for a prompt."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k,mode=700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no `mount`")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@needs_proc
def test_a_full_disk_ends_nothing_and_is_told(serve: Serve, cached: Serve, small_disk: Path) -> None:
    expected = complete(serve(*LONGER), text(9))[0]
    served = cached()
    assert complete(served, text(9))[0] == expected
    wait_until(lambda: about(served)["failures"] == 1)
    found = about(served)
    assert found["state"] == "on"
    assert "a prompt could not be saved: Unable to save slot; the disk has 0 MiB left" in found["reason"]
    assert "could not be saved" in served.log
    assert 'llamapack_prompt_cache_failures_total{model="tiny"} 1\n' in served.ask("GET", "/metrics")[1]
    assert files(small_disk, "*") == []
    assert complete(served, text(9))[0] == expected
    assert complete(served, text(10))[1] < 100
    assert about(served)["failures"] == 1  # it is not tried with every request
    assert served.model()["restarts"] == 0
    assert served.end() == 0


@needs_proc
def test_a_file_that_may_not_be_written_is_told_and_tried_again_later(cached: Serve, folder: Path) -> None:
    import resource

    served = cached()
    resource.prlimit(served.runner, resource.RLIMIT_FSIZE, (50_000, 50_000))
    answer, _ = complete(served, text(11))
    wait_until(lambda: about(served)["failures"] == 1)
    assert "Unable to save slot" in about(served)["reason"]
    assert files(folder, "*") == []
    assert complete(served, text(11))[0] == answer
    assert served.model()["restarts"] == 0
    assert served.end() == 0


@needs_proc
def test_what_a_killed_runner_left_is_not_used(cached: Serve, folder: Path) -> None:
    served = cached()
    expected = complete(served, text(12), cache_prompt=False)[0]
    (place,) = folder.iterdir()
    os.kill(served.runner, signal.SIGKILL)
    wait_until(lambda: served.model()["restarts"] == 1)
    (place / f"{1:032x}.part").write_bytes(b"half of a state")
    (place / f"{2:032x}.state").write_bytes(b"a state without a description")
    wait_until(lambda: served.health()["status"] == "ok")
    assert save(served, text(12)) == expected
    assert len(files(folder, "json")) == 1
    assert served.end() == 0


def test_without_a_folder_the_model_is_served_without_a_cache(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    served = serve(*LONGER, "--prompt-cache", str(tmp_path / "file" / "cache"))
    found = about(served)
    assert found["state"] == "off"
    assert found["reason"].startswith("its folder cannot be used: ")
    assert "tiny has no prompt cache: its folder cannot be used" in served.log
    assert complete(served, text(1))[0]


@pytest.mark.parametrize(
    ("kind", "options", "why"),
    [
        ("mamba", (), "the model's memory cannot be rolled back"),
        ("lfm2", (), "the model's memory cannot be rolled back"),
        ("gemma3", (), "the model's memory cannot be rolled back"),
        ("gemma3", ("-o", "swa_full=true"), ""),
        ("llama", ("-o", "embedding=true"), "it makes vectors or scores"),
        ("llama", ("-o", "slots=false"), "the options switch off slots"),
    ],
)
def test_models_that_have_no_cache_say_so(
    cached: Serve, folder: Path, tmp_path: Path, kind: str, options: tuple[str, ...], why: str
) -> None:
    model = write_model(tmp_path / "model.gguf", kind, vocabulary=bpe_vocabulary())
    served = cached(*options, model=model)
    found = about(served)
    assert found["state"] == ("off" if why else "on")
    assert found["reason"].startswith(why)
    assert (f"has no prompt cache: {why}" in served.log) == bool(why)
    assert served.ask("POST", "/completion", {"prompt": "x" * 3000, "n_predict": 1})[0] in (200, 400, 501)
    assert files(folder) == []


def test_a_model_with_adapters_has_no_cache(cached: Serve, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model.gguf", "llama", vocabulary=bpe_vocabulary())
    write_lora(tmp_path / "lora.gguf", read_weights(model), ["blk.0.attn_k"])
    served = cached("-o", f"lora={tmp_path / 'lora.gguf'}", model=model)
    assert about(served)["reason"].startswith("it has LoRA adapters")


def test_requests_with_short_prompts_do_without(cached: Serve, folder: Path) -> None:
    served = cached()
    complete(served, "short")
    complete(served, text(1), cache_prompt=False)
    found = about(served)
    assert [found[name] for name in ("restored", "in_memory", "missed", "saved", "unclear", "failures")] == [0] * 6
    assert files(folder) == []
