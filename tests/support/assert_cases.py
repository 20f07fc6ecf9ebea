"""Wrong arguments with which llama.cpp ends the process, passed directly to its C API and through the objects.

Run as `python -m tests.support.assert_cases CASE SIDE MODEL`: the side "native" calls the C functions directly, and is
expected to crash; the side "objects" prints the error and goes on.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llamapack
from llamapack import Batch, Model
from llamapack._native import _generated as api
from llamapack._native.library import native
from llamapack.errors import LlamapackError
from llamapack.sampling import Greedy, Sampler

from tests.support.small_contexts import context


@dataclass(frozen=True, kw_only=True)
class Case:
    """One wrong use: the kind of made model, the calls on both sides, and how the error message begins."""

    kind: str = "llama"
    native: Callable[[Model], object]
    objects: Callable[[Model], object]
    error: str


def raw_context(model: Model, **params: int) -> api.llama_context_p:
    """Make a context as a C program would."""
    chosen = native().llama_context_default_params()
    for name, value in {"n_ctx": 256, "n_threads": 1, "n_threads_batch": 1, **params}.items():
        setattr(chosen, name, value)
    return native().llama_init_from_model(model.handle, chosen)


def raw_batch(count: int, *, positions: Sequence[int] | None = None, every: bool = False) -> api.llama_batch:
    """Make a batch of `count` tokens as a C program would; the last token, or `every` one, has an output."""
    batch = native().llama_batch_init(count, 0, 1)
    batch.n_tokens = count
    for index in range(count):
        batch.token[index], batch.pos[index] = 1, index if positions is None else positions[index]
        batch.n_seq_id[index], batch.logits[index] = 1, every or index == count - 1
        batch.seq_id[index][0] = 0
    return batch


def raw_read(model: Model, count: int = 4, **params: int) -> api.llama_context_p:
    """Make a context and read some tokens."""
    made = raw_context(model, **params)
    native().llama_decode(made, raw_batch(count))
    return made


def raw_memory(model: Model, count: int = 4, **params: int) -> api.llama_memory_i_p:
    """Return the memory of a context that has read some tokens."""
    return native().llama_get_memory(raw_read(model, count, **params))


def read(model: Model, count: int = 4, **options: Any) -> llamapack.Context:
    """Make a context and read some tokens."""
    place = context(model, **options)
    place.decode([1] * count)
    return place


def batch(count: int, **options: Any) -> Batch:
    """Return a batch of `count` tokens."""
    made = Batch()
    made.add([1] * count, **options)
    return made


def raw_candidates(model: Model) -> None:
    """Sample a token after a stage has removed all candidates."""
    bound = native()
    chain = bound.llama_sampler_chain_init(bound.llama_sampler_chain_default_params())
    bound.llama_sampler_chain_add(chain, bound.llama_sampler_init_top_k(4))  # chooses nothing
    bound.llama_sampler_sample(chain, raw_read(model), -1)


def raw_shift(model: Model) -> None:
    """Move positions in a cache of bf16, and decode more tokens."""
    made = raw_read(model, type_k=30)
    native().llama_memory_seq_add(native().llama_get_memory(made), 0, 1, -1, 1)
    native().llama_decode(made, raw_batch(1, positions=[5]))


OVERRIDE = "llama.attention.layer_norm_rms_epsilon"


def raw_override(model: Model) -> None:
    """Load a model with a negative epsilon, and decode."""
    params, overrides = native().llama_model_default_params(), (api.llama_model_kv_override * 2)()
    overrides[0].tag, overrides[0].key = api.llama_model_kv_override_type.FLOAT, OVERRIDE.encode()
    overrides[0].val_f64 = -1.0
    params.kv_overrides = overrides
    loaded = native().llama_model_load_from_file(str(model.path).encode(), params)
    chosen = native().llama_context_default_params()
    chosen.n_ctx, chosen.n_threads, chosen.n_threads_batch = 256, 1, 1
    native().llama_decode(native().llama_init_from_model(loaded, chosen), raw_batch(4))


def raw_state(model: Model) -> None:
    """Load a saved sequence into a sequence that does not exist."""
    made = raw_read(model)
    size = native().llama_state_seq_get_size(made, 0)
    data = (ctypes.c_uint8 * size)()
    native().llama_state_seq_get_data(made, data, size, 0)
    native().llama_state_seq_set_data(made, data, size, 300)


def objects_state(model: Model) -> None:
    """Load a saved sequence into a sequence that does not exist."""
    place = read(model)
    place.state.from_bytes(place.state.to_bytes(0), 300)


CASES = {
    "a batch larger than n_batch": Case(
        native=lambda model: native().llama_decode(raw_context(model, n_batch=64, n_ubatch=64), raw_batch(65)),
        objects=lambda model: context(model, n_batch=64, n_ubatch=64).decode(batch(65)),
        error="InputError: A batch of 65 tokens is more than n_batch=64.",
    ),
    "a batch of non-causal attention larger than n_ubatch": Case(
        native=lambda model: native().llama_decode(
            raw_context(model, n_batch=256, n_ubatch=64, attention_type=1), raw_batch(100)
        ),
        objects=lambda model: context(model, n_batch=256, n_ubatch=64, attention="non-causal").decode(batch(100)),
        error="InputError: A batch of 100 tokens is more than n_batch=64.",
    ),
    "a text larger than what an encoder computes at once": Case(
        kind="bert",
        native=lambda model: native().llama_decode(
            raw_context(model, n_batch=128, n_ubatch=64, embeddings=True), raw_batch(100)
        ),
        objects=lambda model: context(model, n_batch=128, n_ubatch=64, embeddings=True).decode([1] * 100),
        error="InputError: A batch of 100 tokens is more than n_ubatch=64.",
    ),
    "decoding before encoding": Case(
        kind="t5",
        native=lambda model: native().llama_decode(raw_context(model), raw_batch(4)),
        objects=lambda model: context(model).decode([1] * 4),
        error="StateError: There is nothing to decode from.",
    ),
    "fewer outputs than sequences": Case(
        native=lambda model: raw_context(model, n_batch=2, n_seq_max=4),
        objects=lambda model: context(model, n_batch=2, n_seq_max=4),
        error="InputError: n_batch=2 has no room for one token of each of n_seq_max=4",
    ),
    "a sequence that does not exist, to remove": Case(
        native=lambda model: native().llama_memory_seq_rm(raw_memory(model), 300, -1, -1),
        objects=lambda model: context(model).memory.remove(300),
        error="InputError: There is no sequence 300",
    ),
    "a sequence that does not exist, to ask for": Case(
        native=lambda model: native().llama_memory_seq_pos_max(raw_memory(model), 300),
        objects=lambda model: context(model).memory.bounds(300),
        error="InputError: There is no sequence 300",
    ),
    "a sequence that does not exist, to load": Case(
        native=raw_state, objects=objects_state, error="InputError: There is no sequence 300"
    ),
    "a part of a sequence copied between caches": Case(
        native=lambda model: native().llama_memory_seq_cp(raw_memory(model, 10, n_seq_max=2, n_ctx=512), 0, 1, 2, 5),
        objects=lambda model: read(model, 10, n_seq_max=2, n_ctx=512).memory.copy(0, 1, 2, 5),
        error="InputError: ",
    ),
    "positions moved where they have sections": Case(
        kind="qwen2vl",
        native=lambda model: native().llama_memory_seq_add(raw_memory(model), 0, 1, -1, 1),
        objects=lambda model: read(model).memory.shift(0, 1, 1),
        error="StateError: The positions of this context cannot be moved.",
    ),
    "positions divided by nothing": Case(
        native=lambda model: native().llama_memory_seq_div(raw_memory(model), 0, 0, -1, 0),
        objects=lambda model: read(model).memory.divide(0, 0),
        error="InputError: divisor must be a whole number from 1",
    ),
    "a position beyond those that were learned": Case(
        kind="gpt2",
        native=lambda model: native().llama_decode(
            raw_context(model, n_ctx=1024), raw_batch(4, positions=range(510, 514))
        ),
        objects=lambda model: context(model, n_ctx=1024).decode(batch(4, position=510)),
        error="InputError: Position 513 is beyond the 512 positions that this model has learned.",
    ),
    "an unknown type of cache": Case(
        native=lambda model: raw_read(model, type_k=10, flash_attn_type=0),
        objects=lambda model: context(model, type_k="q2_k"),
        error="InputError: type_k must be one of",
    ),
    "positions moved in a cache of bf16": Case(
        native=raw_shift,
        objects=lambda model: read(model, type_k="bf16").memory.shift(0, 1, 1),
        error="StateError: The positions of this context cannot be moved.",
    ),
    "an override that no computation takes": Case(
        native=raw_override,
        objects=lambda model: Model(model.path, overrides={OVERRIDE: -1.0}),
        error="InputError: With these overrides ",
    ),
    "more outputs than there is room for": Case(
        native=lambda model: native().llama_decode(raw_context(model, n_outputs_max=2), raw_batch(5, every=True)),
        objects=lambda model: context(model, n_outputs_max=2).decode(batch(5, outputs="all")),
        error="InputError: A batch with 5 outputs is more than n_outputs_max=2.",
    ),
    "more sequences than there can be": Case(
        native=lambda model: raw_read(model, n_seq_max=300),
        objects=lambda model: context(model, n_seq_max=300),
        error="InputError: n_seq_max must be a whole number from 1 to 256, not 300.",
    ),
    "a model without weights": Case(
        native=lambda model: raw_read(Model(model.path, vocab_only=True)),
        objects=lambda model: context(Model(model.path, vocab_only=True)),
        error="InputError: ",
    ),
    "a chain that chooses nothing": Case(
        native=raw_candidates,
        objects=lambda model: Sampler.chain([llamapack.sampling.TopK(4)]).sample(read(model)),
        error="SamplingError: ",
    ),
    "sampling before anything was read": Case(
        native=lambda model: native().llama_sampler_sample(Sampler.greedy().handle, raw_context(model), -1),
        objects=lambda model: Sampler.chain([Greedy()]).sample(context(model)),
        error="StateError: There is nothing to sample from.",
    ),
}


def main(name: str, side: str, path: Path) -> None:
    """Run one side of a case."""
    case = CASES[name]
    model = Model(path)
    if side == "native":
        case.native(model)
        print("survived")
        return
    try:
        case.objects(model)
    except LlamapackError as error:
        print(f"{type(error).__name__}: {error}")
    with context(Model(path)):
        print("goes on")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
