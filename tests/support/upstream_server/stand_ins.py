"""Models that stand in for those that llama.cpp's tests of its server download, in a folder of their hub's names.

Run as `python -m tests.support.upstream_server.stand_ins FOLDER`. Their weights are random. They have what the tests
need besides the text: vocabularies with the same special tokens, the same sizes of contexts, and answers that do not
end by themselves.
"""

from __future__ import annotations

import string
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import gguf
import numpy as np
from llamapack.gguf.formats import ValueType

from tests.support.gguf.files import Values, array, text, uint32
from tests.support.media.files import png, some_pixels
from tests.support.reference.made_adapters import write_lora
from tests.support.reference.made_models import KINDS, N_EMBD, Shapes, write_model
from tests.support.reference.made_projectors import write_projector
from tests.support.reference.weights import Floats, read_weights

N_VOCAB = 512
N_CTX = 2048
N_LAYER = 2
SPECIAL = ("<unk>", "<s>", "</s>")
PLAIN = len(SPECIAL) + 256
"""The first token that is not special and not a byte."""
FILL_IN_THE_MIDDLE = {"fim_pre": "<fim_prefix>", "fim_suf": "<fim_suffix>", "fim_mid": "<fim_middle>"}
WORDS = """
the and was to she he it they her his said you had with for one day very big little girl boy named tree park play happy
friend mommy went saw wanted not up but of in is on that there then were what who when all can will have see like good
""".split()  # noqa: SIM905 - a hundred words
SENTENCES = "i believe the meaning of life is this a test machine learning hello goodbye world".split()  # noqa: SIM905
GREETING = ("\u2581H", "el", "ell")
"""What makes `Hello` three tokens, as in stories260K's vocabulary: some tests count them."""
WHOLE_GREETING = (*GREETING, "\u2581Hell", "\u2581Hello")
"""What makes it one, as in that of stories15M."""
STEADY = 8.0
"""The first number of each token's embedding, which no layer changes; so the output can tell tokens apart by it."""
NEVER = -20.0


def pieces(count: int, early: Sequence[str] = GREETING) -> list[str]:
    """Return characters, beginnings of words and pairs of letters: `count` tokens of a SentencePiece vocabulary.

    Those that come `early` are preferred to others.
    """
    letters = ["\u2581", *(letter for letter in string.printable[:94])]
    longer = dict.fromkeys(f"\u2581{word}"[:length] for word in WORDS for length in range(2, len(word) + 2))
    pairs = (first + second for first in "tsrnlmdc" for second in "aeiou")
    return list(dict.fromkeys([*letters, *early, *longer, *pairs]))[:count]


def vocabulary(marks: Sequence[str] = (), early: Sequence[str] = GREETING) -> Values:
    """Describe a SentencePiece vocabulary of N_VOCAB tokens with byte fallback; `marks` are special, and the last."""
    words = pieces(N_VOCAB - PLAIN - len(marks), early)
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *words, *marks]
    types = [2, 3, 3, *(6 for _ in range(256)), *(1 for _ in words), *(3 for _ in marks)]
    assert len(tokens) == N_VOCAB
    return {
        "tokenizer.ggml.model": text("llama"),
        "tokenizer.ggml.tokens": array(ValueType.STRING, tokens),
        "tokenizer.ggml.scores": array(ValueType.FLOAT32, [-float(at) for at in range(N_VOCAB)]),
        "tokenizer.ggml.token_type": array(ValueType.INT32, types),
        "tokenizer.ggml.bos_token_id": uint32(1),
        "tokenizer.ggml.eos_token_id": uint32(2),
        "tokenizer.ggml.unknown_token_id": uint32(0),
    }


def infill_vocabulary() -> Values:
    """Describe the same with tokens for what is before and behind a gap."""
    marks = list(FILL_IN_THE_MIDDLE.values())
    numbers = {name: N_VOCAB - len(marks) + at for at, name in enumerate(FILL_IN_THE_MIDDLE)}
    named: Values = {f"tokenizer.ggml.{name}_token_id": uint32(number) for name, number in numbers.items()}
    return {**vocabulary(marks), **named}


def write_chat(
    path: Path, kind: str = "untied", *, known: Values | None = None, spread: float = 1.5, seed: int = 1
) -> Path:
    """Write a model whose text is letters and words without end; the larger `spread`, the surer it is of them."""
    shapes, random = KINDS[kind][1](N_LAYER, N_VOCAB), np.random.default_rng(seed)
    known = known or vocabulary()
    types = known["tokenizer.ggml.token_type"].value
    assert isinstance(types, Sequence)
    weights = _plain_text(shapes, random, spread, [token for token, kind in enumerate(types) if kind != 1])
    return write_model(path, kind, seed=seed, vocabulary=known, weights=weights, context_length=N_CTX)


def _plain_text(shapes: Shapes, random: np.random.Generator, spread: float, never: list[int]) -> dict[str, Floats]:
    """Return the weights that keep the first number steady, and make the tokens `never` unlikely by it."""
    steady = ("attn_output.weight", "ffn_down.weight", "ffn_down_exps.weight")
    names = [name for name in shapes if name.endswith(steady)]
    made = {name: _numbers(random, shapes[name]) for name in (*names, "token_embd.weight", "output.weight")}
    for name in names:
        made[name][..., 0, :] = 0
    made["token_embd.weight"] *= np.sqrt(N_EMBD)
    made["token_embd.weight"][:, 0] = STEADY
    made["output.weight"] *= spread
    made["output.weight"][:, 0] = 0
    made["output.weight"][never, 0] = NEVER
    return made


def _numbers(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return np.asarray(random.standard_normal(shape) / np.sqrt(shape[-1]), dtype=np.float32)


def split(path: Path, parts: Sequence[Path]) -> None:
    """Write the model at `path` once more, as several files."""
    reader = gguf.GGUFReader(path)
    tensors = reader.tensors
    for number, part in enumerate(parts):
        writer = gguf.GGUFWriter(part, "llama")
        for name, field in reader.fields.items() if number == 0 else ():
            if not name.startswith("GGUF.") and name != "general.architecture":
                kind, item = field.types[0], field.types[-1] if len(field.types) > 1 else None
                writer.add_key_value(name, field.contents(), kind, sub_type=item)
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", len(parts))
        writer.add_int32("split.tensors.count", len(tensors))
        for tensor in tensors[number :: len(parts)]:
            writer.add_tensor(tensor.name, np.array(tensor.data))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def place(folder: Path, name: str) -> Path:
    """Return the path of the file `name` in `folder`, and make the folders above it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_all(folder: Path) -> Iterable[Path]:
    """Write all of them: repository, name of the file."""
    yield write_chat(place(folder, "ggml-org/test-model-stories260K/stories260K-f32.gguf"))
    yield write_chat(place(folder, "ggml-org/models/tinyllamas/stories260K.gguf"))
    yield write_chat(
        place(folder, "ggml-org/test-model-stories260K-infill/stories260K-infill.gguf"), known=infill_vocabulary()
    )
    yield from _write_stories(folder)
    bert = place(folder, "ggml-org/models/bert-bge-small/ggml-model-f16.gguf")
    yield write_model(bert, "bert", n_vocab=N_VOCAB, words=SENTENCES)
    reranker = place(folder, "ggml-org/models/jina-reranker-v1-tiny-en/ggml-model-f16.gguf")
    yield write_model(reranker, "reranker", n_vocab=N_VOCAB, words=SENTENCES)
    yield from _write_vision(folder)


def _write_stories(folder: Path) -> Iterable[Path]:
    known = vocabulary(early=WHOLE_GREETING)
    experts = write_chat(place(folder, "ggml-org/stories15M_MOE/stories15M_MOE-F16.gguf"), "moe", known=known, spread=6)
    yield experts
    adapter = place(folder, "ggml-org/stories15M_MOE/moe_shakespeare15M.gguf")
    write_lora(adapter, read_weights(experts), [f"blk.{layer}.attn_q" for layer in range(N_LAYER)])
    yield adapter
    yield write_chat(place(folder, "ggml-org/tiny-llamas/stories15M-q4_0.gguf"), known=known, spread=6, seed=2)
    whole = write_chat(place(folder, "ggml-org/models/tinyllamas/stories15M-q8_0.gguf"))
    name = "ggml-org/models/tinyllamas/split/stories15M-q8_0-{:05}-of-00003.gguf"
    parts = [place(folder, name.format(number)) for number in (1, 2, 3)]
    split(whole, parts)
    yield from parts


def _write_vision(folder: Path) -> Iterable[Path]:
    model = place(folder, "ggml-org/tinygemma3-GGUF/tinygemma3-Q8_0.gguf")
    yield write_model(model, "gemma3", vocabulary=vocabulary(), context_length=N_CTX)
    yield write_projector(place(folder, "ggml-org/tinygemma3-GGUF/mmproj-tinygemma3.gguf"), "gemma3")
    for seed, name in enumerate(("11_truck.png", "91_cat.png")):
        image = place(folder, f"ggml-org/tinygemma3-GGUF/test/{name}")
        image.write_bytes(png(some_pixels(seed=seed)))
        yield image


if __name__ == "__main__":
    print(*write_all(Path(sys.argv[1])), sep="\n")
