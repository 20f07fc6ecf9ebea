"""Models are quantized to every type, exactly where that can be checked, and whole or not at all."""

from __future__ import annotations

import os
import random
import signal
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import llamapack
import numpy as np
import pytest
from llamapack import gguf
from llamapack.errors import CancelledError, InputError, ModelError
from llamapack.imatrix import read_imatrix
from llamapack.quantization import quantization_types, quantize

from tests.support.gguf.files import (
    Description,
    TensorData,
    Values,
    array,
    bpe_vocabulary,
    encode,
    hyperparameters,
    uint32,
)
from tests.support.gguf.halves import halves

WIDTH = 256  # of a row: what the largest blocks need
TOKENS = 268


def wide_model(alignment: int = 32) -> Description:
    """Describe a llama of one layer in F32, as wide as one block of every type."""
    values = hyperparameters() | bpe_vocabulary()
    for key in ("embedding_length", "feed_forward_length"):
        values[f"llama.{key}"] = uint32(WIDTH)
    values["llama.rope.dimension_count"] = uint32(WIDTH // 2)
    values["general.alignment"] = uint32(alignment)
    values["general.file_type"] = uint32(0)
    shapes = {
        "token_embd.weight": (WIDTH, TOKENS),
        "output.weight": (WIDTH, TOKENS),
        "output_norm.weight": (WIDTH,),
        "blk.0.attn_norm.weight": (WIDTH,),
        "blk.0.attn_q.weight": (WIDTH, WIDTH),
        "blk.0.attn_k.weight": (WIDTH, WIDTH // 2),
        "blk.0.attn_v.weight": (WIDTH, WIDTH // 2),
        "blk.0.attn_output.weight": (WIDTH, WIDTH),
        "blk.0.ffn_norm.weight": (WIDTH,),
        "blk.0.ffn_gate.weight": (WIDTH, WIDTH),
        "blk.0.ffn_down.weight": (WIDTH, WIDTH),
        "blk.0.ffn_up.weight": (WIDTH, WIDTH),
    }
    tensors = tuple(
        TensorData(name=name, shape=shape, type=0, data=weights(name, shape).tobytes())
        for name, shape in shapes.items()
    )
    return Description(values=values, tensors=tensors, alignment=alignment)


def weights(name: str, shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the same random weights for the same name."""
    numbers = np.random.default_rng(sum(name.encode()))
    return (numbers.standard_normal(shape[::-1]) * 0.1 + (len(shape) == 1)).astype(np.float32)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wide") / "wide.gguf"
    path.write_bytes(encode(wide_model()).data)
    return path


def write_imatrix(path: Path) -> Path:
    """Write an importance matrix for all matrices of the model, as llama-imatrix does."""
    chance = random.Random(0)  # noqa: S311 - repeatable on purpose
    tensors = []
    for tensor in wide_model().tensors:
        if len(tensor.shape) == 2:
            sums = struct.pack(f"<{WIDTH}f", *(chance.uniform(1, 100) for _ in range(WIDTH)))
            counts = struct.pack("<f", 10)
            tensors.append(TensorData(name=f"{tensor.name!s}.in_sum2", shape=(WIDTH, 1), type=0, data=sums))
            tensors.append(TensorData(name=f"{tensor.name!s}.counts", shape=(1, 1), type=0, data=counts))
    values: Values = {
        "imatrix.datasets": array(gguf.ValueType.STRING, ["text"]),
        "imatrix.chunk_count": uint32(1),
        "imatrix.chunk_size": uint32(10),
    }
    path.write_bytes(encode(Description(values=values, tensors=tuple(tensors))).data)
    return path


def types_of(path: Path) -> dict[str, str]:
    return {name: tensor.type.name for name, tensor in gguf.read(path).tensors.items()}


# The first of each group takes seconds, in which ggml makes tables that all of the group use, once in a process.
WITH_TABLES = (("IQ1_S", "IQ1_M"), ("IQ2_XS", "IQ2_S"), ("IQ3_XXS", "IQ2_M"))
ALONE = [(name,) for name in quantization_types() if name not in {one for group in WITH_TABLES for one in group}]


@pytest.mark.parametrize("types", [*WITH_TABLES, *ALONE], ids="-".join)
def test_every_type_is_written_and_runs(source: Path, tmp_path: Path, types: tuple[str, ...]) -> None:
    for type in types:
        target = tmp_path / f"{type}.gguf"
        result = quantize(source, target, type, imatrix=write_imatrix(tmp_path / "i.gguf"), n_threads=1)
        assert result.paths == (target,)
        assert result.size == target.stat().st_size
        assert result.size_before == source.stat().st_size
        if type not in ("F32", "COPY"):
            assert result.size < result.size_before
        with llamapack.Model(target) as model, llamapack.Context(model, n_ctx=32, n_threads=1) as context:
            context.decode(model.vocab.tokenize("hello world"))
            assert np.isfinite(context.outputs.logits()).all()


def tensor_bytes(path: Path, name: str) -> bytes:
    tensor = gguf.read(path).tensors[name]
    with path.open("rb") as file:
        file.seek(tensor.offset)
        return file.read(tensor.size)


NAME = "blk.0.ffn_up.weight"


def test_f16_is_rounding(source: Path, tmp_path: Path) -> None:
    quantize(source, tmp_path / "f16.gguf", "F16", n_threads=2)
    wanted = weights(NAME, (WIDTH, WIDTH)).astype(np.float16).tobytes()
    assert tensor_bytes(tmp_path / "f16.gguf", NAME) == wanted


def test_q8_0_is_what_its_definition_says(source: Path, tmp_path: Path) -> None:
    quantize(source, tmp_path / "q8.gguf", "Q8_0", n_threads=2)
    blocks = weights(NAME, (WIDTH, WIDTH)).reshape(-1, 32)
    scale = np.abs(blocks).max(axis=1) / np.float32(127)
    stored = np.frombuffer(tensor_bytes(tmp_path / "q8.gguf", NAME), np.dtype([("d", "<f2"), ("q", "i1", 32)]))
    assert (stored["d"] == scale.astype(np.float16)).all()
    # halves may be rounded either way
    assert np.abs(stored["q"] - blocks / scale[:, None]).max() <= 0.5 + 1e-4


def test_copy_changes_no_tensor(source: Path, tmp_path: Path) -> None:
    quantize(source, tmp_path / "copy.gguf", "COPY")
    before, after = gguf.read(source), gguf.read(tmp_path / "copy.gguf")
    assert types_of(tmp_path / "copy.gguf") == types_of(source)
    for name in before.tensors:
        assert tensor_bytes(source, name) == tensor_bytes(tmp_path / "copy.gguf", name)
    assert after.metadata["general.architecture"] == "llama"


def test_types_of_single_tensors_can_be_chosen(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "mixed.gguf"
    quantize(
        *(source, target, "q4_k"),
        pure=True,
        output_type="Q6_K",
        embedding_type="q8_0",
        tensor_types={"ffn_(up|gate)": "Q5_K", "attn_v": "F16"},
    )
    types = types_of(target)
    assert {name.removeprefix("blk.0.").removesuffix(".weight"): kind for name, kind in types.items()} == {
        "token_embd": "Q8_0",
        "output": "Q6_K",
        "output_norm": "F32",
        "attn_norm": "F32",
        "attn_q": "Q4_K",
        "attn_k": "Q4_K",
        "attn_v": "F16",
        "attn_output": "Q4_K",
        "ffn_norm": "F32",
        "ffn_gate": "Q5_K",
        "ffn_down": "Q4_K",
        "ffn_up": "Q5_K",
    }


def test_the_output_can_be_left_as_it_is(source: Path, tmp_path: Path) -> None:
    quantize(source, tmp_path / "q8.gguf", "Q8_0", quantize_output=False)
    assert types_of(tmp_path / "q8.gguf")["output.weight"] == "F32"


def test_an_importance_matrix_changes_the_result_and_is_named_in_it(source: Path, tmp_path: Path) -> None:
    quantize(source, tmp_path / "plain.gguf", "Q4_K", n_threads=1)
    quantize(source, tmp_path / "weighted.gguf", "Q4_K", n_threads=1, imatrix=write_imatrix(tmp_path / "i.gguf"))
    plain, weighted = (tensor_bytes(tmp_path / f"{name}.gguf", NAME) for name in ("plain", "weighted"))
    assert plain != weighted
    metadata = gguf.read(tmp_path / "weighted.gguf").metadata
    assert metadata["quantize.imatrix.file"] == "i.gguf"
    assert metadata["quantize.imatrix.entries_count"] == 9


def test_the_older_form_of_an_importance_matrix_weighs_the_same(source: Path, tmp_path: Path) -> None:
    matrix = read_imatrix(write_imatrix(tmp_path / "i.gguf"))
    data = struct.pack("<i", len(matrix.entries))
    for name, values in matrix.entries.items():
        data += struct.pack("<i", len(name)) + name.encode() + struct.pack("<ii", 4, len(values))
        data += (values * np.float32(4)).tobytes()
    (tmp_path / "i.dat").write_bytes(data)
    older = read_imatrix(tmp_path / "i.dat")
    assert older.entries.keys() == matrix.entries.keys()
    assert all(np.allclose(older.entries[name], values) for name, values in matrix.entries.items())


def test_another_alignment_is_written_as_llama_cpp_does(tmp_path: Path) -> None:
    path = tmp_path / "aligned.gguf"
    path.write_bytes(encode(wide_model(alignment=256)).data)
    quantize(path, tmp_path / "small.gguf", "Q8_0")
    found = gguf.read(tmp_path / "small.gguf")
    assert (found.alignment, found.metadata["general.alignment"]) == (32, 32)
    llamapack.Model(tmp_path / "small.gguf").close()


def split(folder: Path) -> Path:
    """Write the model in two parts; return the first."""
    for number, data in enumerate(halves(wide_model()), 1):
        (folder / f"wide-{number:05d}-of-00002.gguf").write_bytes(data)
    return folder / "wide-00001-of-00002.gguf"


def test_parts_are_kept_or_joined(tmp_path: Path) -> None:
    first = split(tmp_path)
    joined = quantize(first, tmp_path / "joined.gguf", "Q8_0")
    assert joined.paths == (tmp_path / "joined.gguf",)
    kept = quantize(first, tmp_path / "kept.gguf", "Q8_0", keep_split=True)
    assert [path.name for path in kept.paths] == ["kept-00001-of-00002.gguf", "kept-00002-of-00002.gguf"]
    assert types_of(kept.paths[0]) == types_of(tmp_path / "joined.gguf")
    for path in (joined.paths[0], kept.paths[0]):
        llamapack.Model(path).close()


def test_progress_names_every_tensor_in_order(source: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    quantize(source, tmp_path / "q8.gguf", "Q8_0", progress=lambda *words: told.append(words))
    assert [(number, count) for number, count, _ in told] == [(number, 12) for number in range(1, 13)]
    assert {name for _, _, name in told} == set(types_of(source))


class Stop(Exception):  # noqa: N818 - not an error
    """Raised in a callback."""


def test_what_is_stopped_or_fails_leaves_nothing_behind(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "q8.gguf"
    target.write_bytes(b"mine")

    def fail(number: int, _count: int, _name: str) -> None:
        if number == 7:
            raise Stop

    with pytest.raises(CancelledError, match=r"stopped by the progress callback at tensor 3 of 12"):
        quantize(source, target, "Q8_0", overwrite=True, progress=lambda number, _count, _name: number < 3)
    with pytest.raises(Stop):
        quantize(source, target, "Q8_0", overwrite=True, progress=fail)
    assert [path.name for path in tmp_path.iterdir()] == ["q8.gguf"]
    assert target.read_bytes() == b"mine"
    quantize(source, target, "Q8_0", overwrite=True)
    assert types_of(target)["output.weight"] == "Q8_0"


def test_wrong_arguments_are_named_and_write_nothing(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.gguf"
    known = ", ".join(quantization_types())
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("Q9_9", {}, f"There is no quantization 'Q9_9'.\nKnown types: {known}."),
        ("Q8_0", {"output_type": "Q9"}, "There is no tensor type 'Q9'."),
        ("Q8_0", {"tensor_types": {"ffn": "Q9"}}, "There is no tensor type 'Q9'."),
        ("Q8_0", {"n_threads": 0}, "n_threads must be a whole number from 1 to 512, not 0."),
        ("IQ2_XXS", {}, "this quantization requires an imatrix!"),
        ("Q8_0", {"imatrix": source}, "is not an importance matrix.\nIt has no entries."),
        ("Q8_0", {"tensor_types": {"(": "Q8_0"}}, "Correct the regular expressions of tensor_types."),
    ]
    for type, options, message in wrong:
        with pytest.raises((InputError, ModelError)) as caught:
            quantize(source, target, type, **options)
        assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_files_that_would_be_lost_are_not_written(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "there.gguf"
    target.write_bytes(b"mine")
    for path, message in (
        (target, f"{target} exists already."),
        (source, f"{source} is the model itself."),
        (tmp_path / "no" / "out.gguf", f"There is no folder {tmp_path / 'no'}."),
    ):
        with pytest.raises(InputError) as caught:
            quantize(source, path, "Q8_0")
        assert caught.value.what == message
    assert target.read_bytes() == b"mine"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_links_are_followed_and_what_is_no_file_stays(source: Path, tmp_path: Path) -> None:
    goal, link, pipe = tmp_path / "goal.gguf", tmp_path / "link.gguf", tmp_path / "pipe"
    goal.write_bytes(b"old")
    link.symlink_to(goal)
    quantize(source, link, "Q8_0", overwrite=True)
    assert link.is_symlink()
    assert types_of(goal)["output.weight"] == "Q8_0"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match=f"^{pipe} is not a regular file, and would be destroyed"):
        quantize(source, pipe, "Q8_0", overwrite=True)
    assert pipe.is_fifo()


def test_ctrl_c_ends_it_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    def interrupt(number: int, _count: int, _name: str) -> None:
        if number == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        quantize(source, tmp_path / "out.gguf", "Q8_0", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_quantized_weights_are_taken_only_if_asked_for(source: Path, tmp_path: Path) -> None:
    quantize(source, tmp_path / "q8.gguf", "Q8_0")
    with pytest.raises(InputError) as caught:
        quantize(tmp_path / "q8.gguf", tmp_path / "q4.gguf", "Q4_0")
    assert caught.value.why == "requantizing from type q8_0 is disabled"
    assert not (tmp_path / "q4.gguf").exists()
    quantize(tmp_path / "q8.gguf", tmp_path / "q4.gguf", "Q4_0", allow_requantize=True)
    assert types_of(tmp_path / "q4.gguf")[NAME] == "Q4_0"


def test_a_matrix_of_another_model_is_refused(source: Path, tmp_path: Path) -> None:
    matrix = read_imatrix(write_imatrix(tmp_path / "i.gguf"))
    wrong = replace(matrix, entries={name: values[:100] for name, values in matrix.entries.items()})
    with pytest.raises(InputError, match="imatrix size 100 is different from tensor size 256"):
        quantize(source, tmp_path / "out.gguf", "Q4_K", imatrix=wrong)
    infinite = replace(matrix, entries={name: values * np.inf for name, values in matrix.entries.items()})
    with pytest.raises(InputError, match=r"numbers for .* that are not finite"):
        quantize(source, tmp_path / "out.gguf", "Q4_K", imatrix=infinite)
