"""Models: what they say of themselves, and where and how they are loaded."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import llamapack
import numpy as np
import pytest
from llamapack.backends import in_use
from llamapack.errors import BackendWarning, CancelledError, ClosedError, InputError, ModelFormatError

from tests.support.reference.made_models import write_model
from tests.support.small_contexts import Made, context, logits_of


def test_a_model_describes_itself(model: llamapack.Model) -> None:
    assert model.architecture == "llama"
    assert model.file_type == "Q4_1"
    assert (model.n_ctx_train, model.n_vocab, model.n_embd, model.n_layer) == (8192, 49152, 576, 30)
    assert (model.n_embd_inp, model.n_embd_out, model.n_head, model.n_head_kv, model.n_swa) == (576, 576, 9, 3, 0)
    assert (model.n_params, model.size) == (134515008, 96576768)
    assert (model.rope_type, model.rope_freq_scale_train) == ("norm", 1.0)
    assert (model.has_encoder, model.has_decoder, model.decoder_start_token) == (False, True, None)
    assert (model.is_recurrent, model.is_hybrid, model.is_diffusion, model.classes) == (False, False, False, ())
    assert "Q4_1" in model.description


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("gpt2", {"rope_type": "none"}),
        ("mamba", {"is_recurrent": True, "is_hybrid": False, "rope_type": "none"}),
        ("lfm2", {"is_recurrent": False, "is_hybrid": True, "rope_type": "neox"}),
        ("t5", {"has_encoder": True, "has_decoder": True, "decoder_start_token": 0}),
        ("gemma3", {"n_swa": 16}),
        ("qwen2vl", {"rope_type": "mrope"}),
        ("reranker", {"classes": ("",)}),
        ("bert", {"classes": ()}),
    ],
)
def test_kinds_of_models_are_told_apart(made: Made, kind: str, facts: dict[str, Any]) -> None:
    assert {name: getattr(made(kind), name) for name in facts} == facts


def test_labels_of_a_classifier_are_read(tmp_path: Path) -> None:
    path = write_model(tmp_path / "labelled.gguf", "reranker", classifier__output_labels=["relevant"])
    with llamapack.Model(path) as model:
        assert model.classes == ("relevant",)


def test_metadata_is_a_mapping_of_texts(model: llamapack.Model, model_path: Path) -> None:
    fields = gguf.GGUFReader(model_path).fields
    wanted = {
        name for name, field in fields.items() if field.types[0] != gguf.GGUFValueType.ARRAY and name[:5] != "GGUF."
    }
    assert set(model.metadata) == wanted
    assert len(model.metadata) == len(wanted)
    assert model.metadata["llama.embedding_length"] == "576"
    assert model.metadata["tokenizer.chat_template"] == fields["tokenizer.chat_template"].contents()
    assert model.metadata.get("none") is None
    for key in ("none", "tokenizer.ggml.tokens", "", "llama.embedding_length\0"):
        with pytest.raises(KeyError):
            model.metadata[key]
    assert "none" not in model.metadata
    assert repr(model.metadata) == f"<ModelMetadata of {len(wanted)} entries>"


def test_the_chat_template_is_the_files(model: llamapack.Model, made: Made) -> None:
    assert model.chat_template() == model.metadata["tokenizer.chat_template"]
    assert model.chat_template("tool_use") is None
    assert model.chat_template("a\0b") is None
    assert made("llama").chat_template() is None


@pytest.mark.parametrize(
    "options",
    [
        {"use_mmap": False},
        {"use_mmap": True},
        {"use_direct_io": True},
        {"lazy": "on"},
        {"lazy": "off"},
        {"use_extra_buffers": False},
        {"check_tensors": True},
        {"n_gpu_layers": 0},
        {"n_gpu_layers": -1},
        {"devices": []},
        {"devices": ["CPU"]},
        {"split_mode": "none"},
        {"split_mode": "row"},
        {"tensor_split": [1.0]},
        {"tensor_split": np.array([1], np.float32)},
    ],
)
def test_however_it_is_loaded_a_model_computes_the_same(made: Made, made_path: Any, options: dict[str, Any]) -> None:
    with llamapack.Model(made_path("llama"), **options) as model:
        assert np.array_equal(logits_of(model), logits_of(made("llama")))


def test_loading_takes_the_way_that_was_asked_for(
    made_path: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    def logged(**options: Any) -> str:
        caplog.clear()
        with caplog.at_level(logging.INFO, logger="llamapack.native"):
            llamapack.Model(made_path("llama"), **options).close()
        return "\n".join(record.getMessage() for record in caplog.records)

    assert "CPU_Mapped model buffer size" in logged(use_mmap=True)
    assert "CPU_Mapped model buffer size" not in logged(use_mmap=False)
    assert "vocab only - skipping tensors" in logged(vocab_only=True)


def test_devices_are_listed(model: llamapack.Model) -> None:
    (cpu,) = llamapack.devices()
    assert (cpu.name, cpu.kind) == ("CPU", "cpu")
    assert cpu.memory_total >= cpu.memory_free > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devices": ["CUDA0"]}, "There is no device 'CUDA0'.\nThis process has: CPU."),
        ({"devices": "CPU"}, "devices must be a list of names, not 'CPU'."),
        ({"main_gpu": 1}, "There is no GPU 1: 0 can be used.\nThis process has: CPU (cpu)."),
        ({"main_gpu": -1}, "main_gpu must be a whole number from 0"),
        ({"split_mode": "tensor"}, 'split_mode="tensor" needs a GPU.\nThis process has: CPU (cpu).'),
        ({"split_mode": "columns"}, "split_mode must be one of 'none', 'layer', 'row', 'tensor', not 'columns'."),
        ({"tensor_split": [1.0, 1.0]}, "tensor_split must have a number of 0 or more for each of 0 GPUs"),
        ({"tensor_split": [-1.0]}, "tensor_split must have a number of 0 or more"),
        ({"tensor_split": [0.0]}, "tensor_split must have a number of 0 or more"),
        ({"tensor_split": [True]}, "tensor_split must have a number of 0 or more for each of 0 GPUs, not [True]."),
        ({"tensor_split": 3}, "tensor_split must have a number of 0 or more for each of 0 GPUs, not 3."),
        ({"tensor_split": "1,1"}, "tensor_split must have a number of 0 or more for each of 0 GPUs, not '1,1'."),
        ({"tensor_split": [1.0], "split_mode": "none"}, 'tensor_split has no effect with split_mode="none".'),
        ({"n_gpu_layers": -2}, "n_gpu_layers must be a whole number from -1"),
        ({"lazy": "yes"}, "lazy must be one of 'off', 'auto', 'on', not 'yes'."),
        ({"lazy": "on", "use_mmap": False}, 'lazy="on" needs the file to be mapped.'),
        ({"use_direct_io": True, "use_mmap": True}, "use_direct_io cannot be combined with use_mmap or use_mlock."),
        ({"use_direct_io": True, "use_mlock": True}, "use_direct_io cannot be combined with use_mmap or use_mlock."),
        ({"overrides": {"": 1}}, "The key of an override must have 1 to 127 bytes and no NUL, but is ''."),
        ({"overrides": {"a" * 128: 1}}, "The key of an override must have 1 to 127 bytes"),
        ({"overrides": {"general.name": "x" * 128}}, "The override of general.name must have 1 to 127 bytes"),
        ({"overrides": {"general.name": "a\0b"}}, "The override of general.name must have 1 to 127 bytes and no NUL"),
        ({"overrides": {"general.name": None}}, "The override general.name=None is not a bool, int, float or str."),
        ({"overrides": {"llama.context_length": 2**63}}, "The override llama.context_length=9223372036854775808 does"),
    ],
)
def test_wrong_ways_of_loading_are_refused(made_path: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        llamapack.Model(made_path("llama"), **options)
    assert str(caught.value).startswith(message)


def test_layers_for_a_gpu_that_is_not_there_are_warned_of_once(made_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_use, "_warned", set())
    with pytest.warns(BackendWarning, match=r"^n_gpu_layers=99 has no effect: no GPU is used"):
        llamapack.Model(made_path("llama"), n_gpu_layers=99).close()
    llamapack.Model(made_path("llama"), n_gpu_layers=99).close()  # a warning would be an error here


def test_overrides_replace_metadata(made_path: Any, made: Made) -> None:
    overrides = {"llama.context_length": 77, "llama.rope.freq_base": 500.0}
    with llamapack.Model(made_path("llama"), overrides=overrides) as model:
        assert model.n_ctx_train == 77
        assert np.array_equal(logits_of(model), logits_of(made("llama"), rope_freq_base=500.0))


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        ({"llama.context_length": 77.0}, "llama.cpp expects int."),
        ({"llama.rope.freq_base": 500}, "llama.cpp expects float."),
        ({"llama.rope.freq_base": "500"}, "llama.cpp expects float."),
        ({"llama.no_such_key": 1}, "This model's architecture does not read that key."),
    ],
)
def test_overrides_without_effect_are_refused(made_path: Any, overrides: dict[str, Any], why: str) -> None:
    (item,) = overrides.items()
    with pytest.raises(InputError) as caught:
        llamapack.Model(made_path("llama"), overrides=overrides)
    assert caught.value.what == f"The override {item[0]}={item[1]!r} had no effect."
    assert caught.value.why == why


@pytest.mark.parametrize(
    "overrides",
    [
        {"llama.block_count": 0},
        {"llama.block_count": 100000},
        {"llama.expert_used_count": 3},
        {"llama.attention.layer_norm_rms_epsilon": -1.0},
        {"llama.attention.layer_norm_rms_epsilon": float("nan")},
        {"llama.rope.scaling.type": "odd"},
        {"llama.attention.head_count": 0},
        {"llama.attention.head_count_kv": 0},
        {"llama.attention.head_count_kv": 1000000},
        {"llama.rope.dimension_count": 31},
        {"llama.embedding_length": 63},
        {"llama.feed_forward_length": 7},
        {"llama.context_length": -1},
        {"llama.attention.key_length": 0},
    ],
)
def test_overrides_that_make_no_sense_do_not_end_the_process(made_path: Any, overrides: dict[str, Any]) -> None:
    with (
        contextlib.suppress(llamapack.LlamapackError),
        llamapack.Model(made_path("llama"), overrides=overrides) as model,
    ):
        assert logits_of(model).shape == (10, 96)


def test_overrides_that_llama_cpp_would_abort_on_are_refused(made_path: Any) -> None:
    with pytest.raises(
        InputError, match=r"^With these overrides .* cannot be loaded\.\nThe block_count is 0; it must be"
    ):
        llamapack.Model(made_path("llama"), overrides={"llama.block_count": 0})


def test_a_path_may_be_any_os_path(made_path: Any) -> None:
    with llamapack.Model(str(made_path("llama")), vocab_only=True) as model:
        assert model.path == made_path("llama")
        assert repr(model) == f"<Model {str(made_path('llama'))!r}>"
    assert repr(model) == f"<Model {str(made_path('llama'))!r} (closed)>"


def test_a_closed_model_says_so(made_path: Any) -> None:
    model = llamapack.Model(made_path("llama"))
    metadata = model.metadata
    model.close()
    for use in (
        lambda: model.n_layer,
        lambda: metadata["llama.block_count"],
        model.chat_template,
        lambda: len(metadata),
    ):
        with pytest.raises(ClosedError, match=r"^This model is closed\."):
            use()


def test_loading_can_be_stopped_where_it_is_long(model_path: Path) -> None:
    told: list[float] = []

    def progress(part: float) -> bool:
        told.append(part)
        return part < 0.5

    with pytest.raises(CancelledError, match=r"was stopped by the progress callback at [5-9]\d%"):
        llamapack.Model(model_path, use_mmap=False, progress=progress)
    assert len(told) > 1


def test_a_broken_file_is_refused_before_llama_cpp_sees_it(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF\x03\0\0\0" + bytes(16))
    with pytest.raises(ModelFormatError):
        llamapack.Model(tmp_path / "bad.gguf")


def test_the_system_describes_itself(made: Made) -> None:
    info = llamapack.system_info()
    assert info.cpu is made("llama").cpu
    assert info.llama_cpp.endswith(info.llama_commit[:9])
    assert {device.name for device in info.devices} == {"CPU"}
    assert set(info.features) == {"CPU"}
    assert all(info.features["CPU"].values())
    assert (info.supports_mmap, info.supports_gpu_offload) == (True, False)
    shown = str(info)
    assert f"CPU level {info.cpu.level.name}: " in shown
    assert f"threads: {info.threads.count}, because: " in shown


def test_contexts_of_one_model_do_not_disturb_each_other(made: Made) -> None:
    with context(made("llama")) as one, context(made("llama")) as other:
        one.decode([1, 2, 3])
        other.decode([4])
        first = one.outputs.logits()
        other.decode([5, 6])
        assert np.array_equal(one.outputs.logits(), first)


def test_an_empty_cpu_level_is_not_taken_for_none(model: llamapack.Model) -> None:
    with pytest.raises(llamapack.errors.BackendError, match="so '' cannot be"):
        llamapack.Model(model.path, cpu_level="", vocab_only=True)
