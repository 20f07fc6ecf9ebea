"""Read and encode many images; write how much memory that took once the first were done.

Run as `python -m tests.support.media.many_images FOLDER COUNT`, where FOLDER has the made model and projectors.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from llamapack import Context, Model
from llamapack.media import Projector

from tests.support.media.files import png, some_pixels

WARM = 50


def main(folder: Path, count: int) -> None:
    """Process `count` images, and write the growth of the resident memory in bytes."""
    files = [png(some_pixels(400, 300, seed)) for seed in range(4)]
    with (
        Model(folder / "model.gguf") as model,
        Projector(model, folder / "llava.gguf", n_threads=1) as projector,
        Context(model, n_ctx=256, n_threads=1) as context,
    ):
        for number in range(count + WARM):
            if number == WARM:
                before = resident()
            image = projector.read(files[number % 4])
            context.clear()
            projector.decode(context, projector.tokenize(f"hello{projector.marker}", [image]))
        print(resident() - before)


def resident() -> int:
    """Return the memory of this process that is in RAM, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
