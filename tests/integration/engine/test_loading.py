"""Loading: progress, a stop half-way, options that do not fit, and files that cannot be loaded."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from llamapack.engine import Engine, engine_options
from llamapack.engine.options import option_name
from llamapack.errors import CancelledError, InputError, ModelError, ModelFormatError, ModelNotFoundError

from tests.support.engine.requests import completed, marked
from tests.support.reference.made_adapters import write_lora
from tests.support.reference.weights import read_weights


def test_progress_goes_from_0_to_1(model_path: Path) -> None:
    parts: list[float] = []
    with Engine(model_path, ctx_size=64, threads=1, warmup=False, progress=parts.append):
        pass
    assert (parts[0], parts[-1]) == (0, 1)
    assert parts == sorted(parts)


@pytest.mark.parametrize("at", [0.0, 0.5, 1.0])
def test_loading_is_stopped_by_the_callback(model_path: Path, at: float) -> None:
    with pytest.raises(CancelledError, match="was stopped by the progress callback at"):
        Engine(model_path, ctx_size=64, warmup=False, progress=lambda part: part < at)


def test_what_the_callback_raises_comes_out(model_path: Path) -> None:
    def fail(part: float) -> None:
        raise ZeroDivisionError(part)

    with pytest.raises(ZeroDivisionError):
        Engine(model_path, ctx_size=64, warmup=False, progress=fail)


def test_a_model_that_is_not_there_or_no_model_is_refused(tmp_path: Path, model_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        Engine(tmp_path / "none.gguf")
    short = tmp_path / "short.gguf"
    with model_path.open("rb") as whole:
        short.write_bytes(whole.read(5_000_000))
    with pytest.raises(ModelFormatError) as caught:
        Engine(short)
    assert "short.gguf" in str(caught.value)


def test_a_file_cut_while_it_is_loaded_is_an_error(tmp_path: Path, model_path: Path) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(model_path.read_bytes())

    def cut(part: float) -> None:
        with copy.open("r+b") as file:
            file.truncate(3_000_000)

    with pytest.raises(ModelError) as caught:
        Engine(copy, load_mode="none", progress=cut)
    assert "copy.gguf" in str(caught.value)


@pytest.mark.parametrize("option", ["mmproj", "spec_draft_model", "lora"])
def test_a_second_file_that_cannot_be_loaded_is_named(tiny: Path, tmp_path: Path, option: str) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(tiny.read_bytes()[:1000])
    with pytest.raises(ModelFormatError) as caught:
        Engine(tiny, ctx_size=64, **{option: other})  # type: ignore[arg-type]
    assert "other.gguf" in str(caught.value)


@pytest.mark.parametrize("option", ["lora", "lora_scaled"])
def test_an_adapter_of_another_model_is_named(tiny: Path, model_path: Path, tmp_path: Path, option: str) -> None:
    other = tmp_path / "other.gguf"
    write_lora(other, read_weights(tiny), ["blk.0.attn_q"])
    with pytest.raises(
        ModelFormatError, match=r"^The adapter .*other\.gguf cannot be used with this model\.\n.* shapes"
    ):
        Engine(model_path, ctx_size=64, **{option: f"{other}:0.5" if option == "lora_scaled" else other})  # type: ignore[arg-type]


def test_prompts_are_not_kept_apart_from_slots_with_adapters(tiny: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.gguf"
    write_lora(adapter, read_weights(tiny), ["blk.0.attn_q"])
    options: dict[str, Any] = {"ctx_size": 64, "warmup": False}
    with pytest.raises(InputError, match="cache_ram must be 0 with LoRA adapters"):
        Engine(tiny, lora=adapter, cache_ram=100, **options)
    Engine(tiny, lora=adapter, cache_ram=0, **options).close()
    Engine(tiny, cache_ram=100, **options).close()


def test_a_draft_of_another_vocabulary_is_refused(tiny: Path, model_path: Path) -> None:
    with pytest.raises(InputError, match="The speculation that the options ask for does not work"):
        Engine(model_path, ctx_size=256, parallel=1, threads=1, warmup=False, spec_draft_model=tiny)


def test_a_draft_is_used(tiny: Path) -> None:
    with Engine(tiny, ctx_size=64, parallel=1, threads=1, warmup=False, spec_draft_model=tiny) as engine:
        body = {"prompt": "hello", "n_predict": 20, "temperature": 0, "ignore_eos": True}
        timings = engine.request("POST", "/completion", body).json()["timings"]
    assert timings["draft_n"] > 0
    assert timings["draft_n_accepted"] == timings["draft_n"]


def test_embeddings_are_made(tiny: Path) -> None:
    with Engine(tiny, ctx_size=64, embedding=True, pooling="mean", threads=1, warmup=False) as engine:
        answer = engine.request("POST", "/v1/embeddings", {"input": ["hello", "world", "hello"]}).json()
    first, second, third = (row["embedding"] for row in answer["data"])
    assert len(first) == 32
    assert first == third != second


def test_engines_come_and_go(tiny: Path) -> None:
    for number in range(20):
        with Engine(tiny, ctx_size=64, parallel=2, threads=1, warmup=False) as engine:
            assert engine.request("GET", "/health").json() == {"status": "ok"}
            if number % 2:
                engine.request("POST", "/completion", {"prompt": "a", "n_predict": 30, "stream": True})


def test_an_engine_leaves_the_log_where_it_was(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="llamapack.native"), Engine(tiny, ctx_size=64) as engine:
        completed(engine, {**marked("a"), "grammar": "", "n_predict": 2})
    lines = [record.getMessage() for record in caplog.records if record.name == "llamapack.native"]
    assert any(line.startswith("llama_model_loader") for line in lines)
    assert any(line.startswith("srv ") and "initializing, n_slots = " in line for line in lines)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ctx_sise": 1}, "There is no engine option 'ctx_sise'.\nDid you mean 'ctx_size'?"),
        ({"n_ctx": 1}, "There is no engine option 'n_ctx'.\nDid you mean 'ctx_size'?"),
        ({"port": 80}, "An engine does not take the option 'port'.\nAn engine listens nowhere."),
        ({"help": True}, "An engine does not take the option 'help'.\nIt ends the process."),
        ({"no_ui": True}, "An engine does not take the option 'no_ui'.\nAn engine listens nowhere."),
        ({"ctx_size": "much"}, "The engine option 'ctx_size' takes a whole number, not 'much'."),
        ({"ctx_size": 2**40}, "the option `ctx-size` cannot be 1099511627776: it takes a whole number"),
        ({"temp": "warm"}, 'the option `temp` cannot be "warm": it takes a number'),
        ({"ctx_size": 1.5}, "The engine option 'ctx_size' takes a whole number, not 1.5."),
        ({"ctx_size": True}, "The engine option 'ctx_size' takes a whole number, not True."),
        ({"temp": "0.5x"}, 'the option `temp` cannot be "0.5x": it takes a number'),
        ({"jinja": "no"}, "The engine option 'jinja' takes True or False, not 'no'."),
        (
            {"flash_attn": "onn"},
            "The engine option 'flash_attn' takes one of on, off, auto, not 'onn'.\nDid you mean 'on'?",
        ),
        ({"cache_type_k": "q9"}, 'the option `cache-type-k` cannot be "q9"'),
        ({"device": "GPU"}, "Engine does not take the option 'device'.\nUse devices."),
        ({"model": "x"}, "Engine does not take the option 'model'.\nUse the first argument of Engine."),
        ({"predict": 1, "n_predict": 2}, "`predict` and `n-predict` are the same option"),
        ({"draft": 1}, "An engine does not take the option 'draft'.\nLlama.cpp has removed it"),
        (
            {"control_vector": "none.gguf"},
            "The engine option 'control_vector' names a file that is not there: none.gguf",
        ),
        ({"lora_scaled": "none.gguf:0.5"}, "'lora_scaled' names a file that is not there: none.gguf"),
        ({"spec_type": "draft-simple"}, "The speculation that the options ask for does not work with this model."),
        ({"parallel": 1000}, "n_seq_max must be <= 256\n"),
        ({"grammar": "root ::= root"}, "left recursion"),
        ({"chat_template": "{{ unfinished"}, "llama.cpp does not understand the chat template"),
    ],
)
def test_an_option_that_does_not_fit_says_why(tiny: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Engine(tiny, **options)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_every_option_of_llama_cpp_was_looked_at() -> None:
    options = engine_options()
    assert len(options) > 200
    assert [option.name for option in options.values() if option.refused.startswith("it is new")] == []
    for name in ("ctx_size", "parallel", "flash_attn", "spec_draft_model", "lora", "grammar_file"):
        assert not options[name].refused
    ends = {name for name, option in options.items() if option.refused == "it ends the process"}
    assert ends == {"help", "version", "cache_list", "list_devices", "completion_bash"}


def test_options_have_one_name_and_several_spellings() -> None:
    spellings = ("gpu_layers", "n_gpu_layers", "no_kv_offload", "backends")
    assert [option_name(each) for each in spellings] == ["gpu_layers", "gpu_layers", "no_kv_offload", "backends"]


def test_options_reach_the_engine(tiny: Path) -> None:
    with Engine(tiny, ctx_size=64, parallel=2, temp=0.25, alias="it", samplers="top_k") as engine:
        properties = engine.request("GET", "/props").json()
    settings = properties["default_generation_settings"]["params"]
    assert (properties["total_slots"], properties["model_alias"]) == (2, "it")
    assert (settings["temperature"], settings["samplers"]) == (0.25, ["top_k"])


def test_llama_cpps_environment_variables_are_not_read(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLAMA_ARG_CTX_SIZE", "16")
    monkeypatch.setenv("LLAMA_ARG_N_PARALLEL", "3")
    with Engine(tiny, ctx_size=64, parallel=1) as engine:
        assert engine.request("GET", "/props").json()["total_slots"] == 1
    with Engine(tiny, ctx_size=64) as engine:
        assert engine.request("GET", "/props").json()["total_slots"] == 4
