"""Load projectors with damaged headers, one after the other, in a process that may crash.

Run as `python -m tests.support.media.projector_cases FOLDER KIND COUNT`; FOLDER has the made model and projectors. It
writes a line before each case, and at the end how many were loaded and used.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import numpy as np
from llamapack import Model, gguf
from llamapack.errors import LlamapackError
from llamapack.media import Media, Projector


def main(folder: Path, kind: str, count: int) -> None:
    """Flip bits in the header of the projector of `kind`, and encode zeros with what can be loaded."""
    whole = folder / f"{kind}.gguf"
    header = min(tensor.offset for tensor in gguf.read(whole).tensors.values())
    path, used = folder / f"case-{kind}.gguf", 0
    with Model(folder / "model.gguf") as model:
        for number in range(count):
            chance, data = Random(number), bytearray(whole.read_bytes())  # noqa: S311 - cases, not secrets
            for _ in range(chance.choice([1, 1, 2])):
                data[chance.randrange(header)] ^= 1 << chance.randrange(8)
            path.write_bytes(data)
            print(number, flush=True)
            try:
                use(model, path)
            except LlamapackError:
                continue
            used += 1
    print(used)


def use(model: Model, path: Path) -> None:
    """Load the projector, and encode an image or audio of zeros."""
    with Projector(model, path, n_threads=1) as projector:
        image, audio = np.zeros((32, 32, 3), np.uint8), np.zeros(1000, np.float32)
        media = Media.from_pixels(image) if projector.supports_images else Media.from_samples(audio)
        for chunk in projector.tokenize(projector.marker, [media]):
            if chunk.kind != "text":
                projector.encode(chunk)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
