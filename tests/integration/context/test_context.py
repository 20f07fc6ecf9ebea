"""Every parameter of a context takes effect, and what does not go together is refused before llama.cpp sees it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llamapack
import numpy as np
import pytest
from llamapack.errors import CacheFullError, InputError, PromptTooLongError

from tests.support.reference.llama import Llama
from tests.support.reference.weights import read_weights
from tests.support.small_contexts import EXACT, TOKENS, Made, context, distance, logits_of, read_all

# Bytes of one token in the made model's K or V cache: 2 layers, one head of 32 numbers.
ROW_BYTES = {
    "f32": 256,
    "f16": 128,
    "bf16": 128,
    "q8_0": 2 * 34,
    "q5_1": 2 * 24,
    "q5_0": 2 * 22,
    "q4_1": 2 * 20,
    "q4_0": 2 * 18,
    "iq4_nl": 2 * 18,
}


def logged(caplog: pytest.LogCaptureFixture, model: llamapack.Model, **options: Any) -> str:
    """Return what llama.cpp logs while a context is made."""
    with caplog.at_level(logging.INFO, logger="llamapack.native"):
        caplog.clear()
        context(model, **options).close()
    return "\n".join(record.getMessage() for record in caplog.records)


def bytes_of_a_token(model: llamapack.Model, **options: Any) -> int:
    """Return by how much a saved state grows with one more token, beside the token's 12 bytes of its own."""
    with context(model, **options) as place:
        place.decode([1])
        one = len(place.state.to_bytes(0))
        place.decode([1])
        return len(place.state.to_bytes(0)) - one - 12


def test_sizes_are_what_was_asked_for_rounded_as_upstream_does(made: Made) -> None:
    with context(made("llama"), n_ctx=300, n_batch=100, n_ubatch=50) as place:
        assert (place.n_ctx, place.n_ctx_seq, place.n_batch, place.n_ubatch, place.n_seq_max) == (512, 512, 100, 50, 1)
    with context(made("llama"), n_ctx=512, n_seq_max=2) as place:
        assert (place.n_ctx, place.n_ctx_seq, place.n_seq_max, place.kv_unified) == (512, 256, 2, False)
    with context(made("llama"), n_ctx=512, n_seq_max=2, kv_unified=True) as place:
        assert (place.n_ctx, place.n_ctx_seq, place.n_seq_max, place.kv_unified) == (512, 512, 2, True)


def test_defaults_come_from_the_model(made: Made, model: llamapack.Model) -> None:
    with llamapack.Context(made("llama")) as place:
        assert (place.n_ctx, place.n_batch, place.n_ubatch) == (512, 512, 512)
    with llamapack.Context(model) as place:
        assert (place.n_ctx, place.n_batch, place.n_ubatch) == (4096, 2048, 512)


def test_a_list_longer_than_a_batch_is_read_in_batches(made: Made) -> None:
    tokens = [token % 96 for token in range(100)]
    whole = logits_of(made("llama"), tokens, **EXACT)[-1]
    for sizes in ({"n_batch": 7}, {"n_batch": 32, "n_ubatch": 5}):
        with context(made("llama"), **EXACT, **sizes) as place:
            place.decode(tokens)
            assert place.n_used == 100
            assert distance(place.outputs.logits(), whole) < 1e-4


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_threads_are_started_kept_and_ended(made: Made) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before = count()
    with context(made("llama"), n_threads=3, n_threads_batch=2) as place:
        assert (place.n_threads, place.n_threads_batch) == (3, 2)
        assert count() == before + 2 + 1
        place.decode(TOKENS)
        place.decode([1])
        assert count() == before + 2 + 1
        place.set_threads(2)
        assert (place.n_threads, place.n_threads_batch) == (2, 2)
        assert count() == before + 1
        place.decode([1])
    assert count() == before


def test_the_number_of_threads_does_not_change_the_numbers(made: Made) -> None:
    assert np.array_equal(logits_of(made("llama"), n_threads=1), logits_of(made("llama"), n_threads=3))


def test_sequences_side_by_side_read_as_if_alone(made: Made) -> None:
    first, second = TOKENS[:6], TOKENS[4:]
    for unified in (False, True):
        with context(made("llama"), n_ctx=512, n_seq_max=2, kv_unified=unified, **EXACT) as place:
            batch = llamapack.Batch()
            batch.add(first, sequence=0, outputs="all")
            batch.add(second, sequence=1, outputs="all")
            place.decode(batch)
            found = place.outputs.logits(None)
        assert distance(found[:6], logits_of(made("llama"), first, **EXACT)) < 1e-4
        assert distance(found[6:], logits_of(made("llama"), second, **EXACT)) < 1e-4


@pytest.mark.parametrize("kind", ROW_BYTES)
def test_the_cache_has_the_types_that_were_asked_for(made: Made, kind: str) -> None:
    base = ROW_BYTES["f16"]
    assert bytes_of_a_token(made("llama"), type_k=kind) == ROW_BYTES[kind] + base
    assert bytes_of_a_token(made("llama"), type_v=kind) == ROW_BYTES[kind] + base


def test_flash_attention_is_on_off_or_decided(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    for choice, name in (("on", "enabled"), ("off", "disabled"), ("auto", "auto")):
        assert f"flash_attn            = {name}" in logged(caplog, made("llama"), flash_attention=choice)
    exact: dict[str, Any] = {"type_k": "f32", "type_v": "f32"}
    on, off = (logits_of(made("llama"), flash_attention=choice, **exact) for choice in ("on", "off"))
    assert 0 < distance(on, off) < 0.01
    assert np.array_equal(on, logits_of(made("llama"), flash_attention="auto", **exact))


@pytest.mark.parametrize(
    ("options", "reference"),
    [({"rope_freq_base": 500.0}, {"rope_base": 500.0}), ({"rope_freq_scale": 0.25}, {"rope_scale": 0.25})],
)
def test_rope_parameters_turn_positions_as_they_say(
    made: Made, made_path: Callable[[str], Path], options: dict[str, Any], reference: dict[str, Any]
) -> None:
    wanted = Llama(weights=read_weights(made_path("llama")), **reference).run(TOKENS).logits
    assert distance(logits_of(made("llama"), **options, **EXACT), wanted) < 1e-4
    assert distance(logits_of(made("llama"), **EXACT), wanted) > 1e-3


def test_without_rope_scaling_the_scale_is_not_used(made: Made) -> None:
    plain = logits_of(made("llama"), **EXACT)
    scaled = {"rope_freq_scale": 0.25, **EXACT}
    assert np.array_equal(plain, logits_of(made("llama"), rope_scaling="none", **scaled))
    assert np.array_equal(logits_of(made("llama"), **scaled), logits_of(made("llama"), rope_scaling="linear", **scaled))


def test_yarn_and_each_of_its_parameters_change_the_numbers(made_path: Callable[[str], Path]) -> None:
    yarn: dict[str, Any] = {"rope_scaling": "yarn", "rope_freq_scale": 0.25, "yarn_orig_ctx": 64, **EXACT}
    # a model of its own: upstream adjusts the trained length of a model to the context that stretches it
    with llamapack.Model(made_path("llama")) as model:
        plain = logits_of(model, **EXACT)
        stretched = logits_of(model, **yarn)
        assert distance(plain, stretched) > 1e-3
        assert model.n_ctx_train == 256
        for change in (
            {"yarn_ext_factor": 0.5},
            {"yarn_attn_factor": 0.5},
            {"yarn_beta_fast": 2.0, "yarn_beta_slow": 1.9},
            {"yarn_orig_ctx": 300},
        ):
            if "yarn_attn_factor" in change:  # replaced by yarn's own unless ext_factor is 0
                one = logits_of(model, **yarn, yarn_ext_factor=0.0)
                other = logits_of(model, **yarn, yarn_ext_factor=0.0, **change)
            else:
                one, other = stretched, logits_of(model, **yarn | change)
            assert distance(one, other) > 1e-5, change


def test_a_full_sliding_window_cache_remembers_more(made: Made) -> None:
    model = made("gemma3")
    for full in (True, False):
        with context(model, n_ctx=1024, swa_full=full, n_ubatch=256) as place:
            for _ in range(3):
                place.decode([1] * 200)
            bounds = place.memory.bounds()
            assert bounds is not None
            assert (bounds[0] == 0) is full
            assert bounds[1] == 599
            assert place.memory.can_shift is full


def test_flags_for_devices_are_taken_where_there_is_none(made: Made) -> None:
    plain = logits_of(made("llama"))
    assert np.array_equal(plain, logits_of(made("llama"), offload_kqv=False, op_offload=False))


def test_fewer_outputs_need_less_memory(made: Made, caplog: pytest.LogCaptureFixture) -> None:
    assert "n_outputs_max         = 3" in logged(caplog, made("llama"), n_outputs_max=3)
    with context(made("llama"), n_outputs_max=3) as place:
        batch = llamapack.Batch()
        batch.add(TOKENS, outputs="all")
        with pytest.raises(InputError, match=r"^A batch with 10 outputs is more than n_outputs_max=3\."):
            place.decode(batch)
        place.decode(TOKENS)
        assert place.outputs.indices == (9,)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("llama", {"n_ctx": 0}, "n_ctx must be a whole number from 1 to"),
        ("llama", {"n_ctx": 2**31}, "n_ctx must be a whole number from 1 to"),
        ("llama", {"n_ctx": 12.5}, "n_ctx must be a whole number"),
        ("llama", {"n_ctx": True}, "n_ctx must be a whole number"),
        ("llama", {"n_batch": 0}, "n_batch must be a whole number from 1"),
        ("llama", {"n_ubatch": -1}, "n_ubatch must be a whole number from 1"),
        ("llama", {"n_batch": 64, "n_ubatch": 65}, "n_ubatch=65 is more than n_batch=64."),
        ("llama", {"n_seq_max": 257}, "n_seq_max must be a whole number from 1 to 256, not 257."),
        ("llama", {"n_ctx": 3, "n_seq_max": 4}, "n_seq_max=4 sequences do not fit a KV cache of n_ctx=3 tokens."),
        ("llama", {"n_batch": 3, "n_seq_max": 4}, "n_batch=3 has no room for one token of each of n_seq_max=4"),
        ("llama", {"n_outputs_max": 1, "n_seq_max": 4}, "n_outputs_max=1 is less than n_seq_max=4"),
        ("llama", {"n_outputs_max": 9, "embeddings": True}, "n_outputs_max=9 is less than n_batch=256"),
        ("llama", {"n_threads": 0}, "n_threads must be a whole number from 1 to 512, not 0."),
        ("llama", {"n_threads_batch": 513}, "n_threads_batch must be a whole number from 1 to 512, not 513."),
        ("llama", {"flash_attention": True}, "flash_attention must be one of 'auto', 'off', 'on', not True."),
        ("llama", {"type_k": "q2_k"}, "type_k must be one of 'f32', 'f16', 'bf16', 'q8_0'"),
        ("llama", {"type_v": "i32"}, "type_v must be one of 'f32', 'f16', 'bf16', 'q8_0'"),
        ("llama", {"type_v": "q8_0", "flash_attention": "off"}, "type_v='q8_0' needs flash attention, which is off."),
        ("narrow", {"type_k": "q8_0"}, "type_k='q8_0' does not fit this model: its heads are 16 wide"),
        ("narrow", {"type_v": "q4_0"}, "type_v='q4_0' does not fit this model: its heads are 16 wide"),
        ("llama", {"pooling": "mean"}, "pooling='mean' has nothing to pool"),
        ("llama", {"pooling": "max", "embeddings": True}, "pooling must be one of 'none', 'mean', 'cls', 'last'"),
        ("llama", {"pooling": "rank", "embeddings": True}, 'pooling="rank" needs a model with a classification head'),
        ("llama", {"attention": "full"}, "attention must be one of 'causal', 'non-causal', not 'full'."),
        ("llama", {"rope_scaling": "dynamic"}, "rope_scaling must be one of 'none', 'linear', 'yarn', 'longrope'"),
        ("llama", {"rope_freq_base": -1.0}, "rope_freq_base must be more than 0, not -1.0."),
        ("llama", {"rope_freq_scale": 0}, "rope_freq_scale must be more than 0, not 0."),
        ("llama", {"rope_freq_scale": float("nan")}, "rope_freq_scale must be more than 0, not nan."),
        ("llama", {"yarn_ext_factor": -0.5}, "yarn_ext_factor must be 0 or more, not -0.5."),
        ("llama", {"yarn_beta_slow": float("inf")}, "yarn_beta_slow must be 0 or more, not inf."),
        ("llama", {"yarn_orig_ctx": 0}, "yarn_orig_ctx must be a whole number from 1"),
        (
            "llama",
            {"embeddings": True, "pooling": "mean", "n_seq_max": 2, "kv_unified": False},
            "kv_unified=False cannot be combined with several sequences here.",
        ),
        (
            "t5",
            {"n_seq_max": 2, "kv_unified": False},
            "kv_unified=False cannot be combined with several sequences here.",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(made: Made, kind: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        context(made(kind), **options)
    assert str(caught.value).startswith(message)


def test_a_model_without_weights_has_no_context(made_path: Callable[[str], Path]) -> None:
    with (
        llamapack.Model(made_path("llama"), vocab_only=True) as model,
        pytest.raises(InputError, match="was loaded without its weights"),
    ):
        llamapack.Context(model)


def test_a_cache_that_this_machine_cannot_hold_is_refused_with_the_sizes(made: Made) -> None:
    with pytest.raises(InputError, match=r"^A KV cache of n_ctx=2147352576 tokens takes 1127\.9 GiB; this machine has"):
        context(made("llama"), n_ctx=2**31 - 2**17, type_k="f32", type_v="f32")


def test_positions_that_a_model_has_not_learned_are_refused(made: Made) -> None:
    with context(made("gpt2"), n_ctx=1024) as place:
        place.decode([1] * 510)
        with pytest.raises(
            InputError, match=r"^Position 512 is beyond the 512 positions that this model has learned\."
        ):
            place.decode([1] * 3)
        place.decode([1] * 2)
        assert place.n_used == 512


def test_a_recurrent_model_has_no_end(made: Made) -> None:
    with context(made("mamba")) as place:
        place.decode([1] * 300)
        assert place.n_used == 300
    too_long = pytest.raises(PromptTooLongError, match=r"^300 tokens do not fit the context of 256 tokens\.")
    with context(made("llama")) as place, too_long:
        place.decode([1] * 300)


def test_sequences_that_share_a_cache_can_fill_it(made: Made) -> None:
    with context(made("llama"), n_seq_max=2, kv_unified=True) as place:
        place.decode([1] * 200)
        batch = llamapack.Batch()
        batch.add([1] * 57, sequence=1)
        with pytest.raises(CacheFullError, match="No room is left in the KV cache of 256 tokens for 57 more"):
            place.decode(batch)
        assert place.memory.bounds(1) is None
        batch.clear()
        batch.add([1] * 56, sequence=1)
        place.decode(batch)
        assert place.memory.bounds(1) == (0, 55)


def test_an_encoder_decoder_reads_then_answers(made: Made) -> None:
    model = made("t5")
    assert (model.has_encoder, model.has_decoder, model.decoder_start_token) == (True, True, 0)
    with context(model) as place:
        place.encode(TOKENS)
        place.decode([0])
        first = place.outputs.logits()
        with pytest.raises(InputError, match=r"^Sequence 0 cannot be encoded: its decoder has read up to position 0\."):
            place.encode(TOKENS[::-1])
        place.clear()
        place.encode(TOKENS[::-1])
        place.decode([0])
        assert distance(first, place.outputs.logits()) > 1e-3
    with context(model, n_seq_max=2) as place:
        assert place.kv_unified
        batch = llamapack.Batch()
        batch.add(TOKENS, sequence=0)
        batch.add(TOKENS[::-1], sequence=1)
        place.encode(batch)
        answer = llamapack.Batch()
        answer.add([0], sequence=0)
        answer.add([0], sequence=1)
        place.decode(answer)
        assert distance(place.outputs.logits(0), first) < 0.02


def test_a_context_says_what_it_was_made_with(made: Made) -> None:
    with context(made("llama"), type_k="q8_0") as place:
        assert place.options.type_k == "q8_0"
        assert place.options.n_threads == 1
        read_all(place)
        assert repr(place.outputs.indices) == "(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)"
