"""Images and audio for models that read them, by a projector: what llama.cpp calls mtmd.

    with Projector(model, "mmproj.gguf") as projector:
        image = projector.read(Path("cat.jpg").read_bytes())
        chunks = projector.tokenize(f"{projector.marker}What is this?", [image])
        print("".join(generate(model, chunks)))

header     Check the header of a projector for what llama.cpp does not check, and what would end the process then.
media      An image or audio, decoded.
chunks     A text with media, split into chunks: tokens of the vocabulary, and what becomes rows of embeddings.
projector  The public class that loads a projector, and makes chunks and embeddings with it.
"""

from __future__ import annotations

from llamapack.media.chunks import Chunk, Chunks
from llamapack.media.media import Media
from llamapack.media.projector import Projector
from llamapack.media_files import MediaLimits

__all__ = ["Chunk", "Chunks", "Media", "MediaLimits", "Projector"]
