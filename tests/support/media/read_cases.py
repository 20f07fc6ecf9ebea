"""Read damaged images and audio, one after the other, in a process that may crash.

Run as `python -m tests.support.media.read_cases FOLDER SEED FIRST END`, where FOLDER has the made model and projectors:
writes a line before each case, so that the parent process knows the last one, and at the end how many had each outcome.
"""

from __future__ import annotations

import io
import json
import resource
import signal
import sys
from collections import Counter
from functools import lru_cache
from pathlib import Path
from random import Random

from llamapack import Model
from llamapack.errors import InputError
from llamapack.media import MediaLimits, Projector
from PIL import Image

from tests.support.media.files import flac, mp3, png, some_pixels, some_samples, wav

CPU_SECONDS = 5.0
ADDRESSES = 2 << 30
LIMITS = MediaLimits(image_pixels=1 << 22, audio_seconds=60)


def main(folder: Path, seed: int, first: int, end: int) -> None:
    """Read the cases from `first` up to `end`."""
    with Model(folder / "model.gguf") as model:
        readers = {
            kind: Projector(model, folder / f"{name}.gguf", n_threads=1)
            for kind, name in (("image", "llava"), ("audio", "ultravox"))
        }
        for name, data in bases().items():
            use(readers, name, data)  # first, so that libraries and caches are part of the baseline
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + ADDRESSES, size + ADDRESSES))
        outcomes: Counter[str] = Counter()
        for number in range(first, end):
            name, data = make_case(seed, number)
            print(number, name, flush=True)
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)  # SIGPROF ends the process, also in native code
            outcomes[f"{name}: {attempt(readers, name, data)}"] += 1
            signal.setitimer(signal.ITIMER_PROF, 0)
    print(json.dumps(outcomes))


@lru_cache(maxsize=1)
def bases() -> dict[str, bytes]:
    """Return a file of each format."""
    image, files = Image.fromarray(some_pixels()), {}
    for name, progressive in (("JPEG", False), ("progressive JPEG", True)):
        out = io.BytesIO()
        image.save(out, format="JPEG", progressive=progressive)
        files[name] = out.getvalue()
    for name in ("GIF", "BMP"):
        out = io.BytesIO()
        image.save(out, format=name)
        files[name] = out.getvalue()
    samples = some_samples()
    return files | {"PNG": png(some_pixels()), "WAV": wav(samples), "MP3": mp3(), "FLAC": flac(samples)}


def make_case(seed: int, number: int) -> tuple[str, bytes]:
    """Return the format of a case, and a file of it with some bytes changed, cut out, repeated or inserted."""
    chance = Random(f"{seed}-{number}")  # noqa: S311 - cases, not secrets
    name = chance.choice(sorted(bases()))
    data = bytearray(bases()[name])
    for _ in range(chance.choice([1, 1, 2, 8])):
        at = chance.randrange(max(1, chance.choice([64, len(data), len(data)])))
        change = chance.choice(["byte", "byte", "bit", "edge", "cut", "insert", "end"])
        if change == "byte":
            data[at : at + 1] = chance.randbytes(1)
        elif change == "bit":
            data[at : at + 1] = bytes([data[min(at, len(data) - 1)] ^ 1 << chance.randrange(8)])
        elif change == "edge":
            data[at : at + 4] = chance.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\1\0\0"])
        elif change == "cut":
            del data[at : at + chance.choice([1, 4, 64])]
        elif change == "insert":
            data[at:at] = chance.randbytes(chance.choice([1, 4, 64]))
        elif len(data) > 80:
            del data[max(at, 64) :]
    return name, bytes(data)


def attempt(readers: dict[str, Projector], name: str, data: bytes) -> str:
    """Read the file; an InputError is a result, and every other exception is a bug."""
    try:
        use(readers, name, data)
    except InputError:
        return "refused"
    return "read"


def use(readers: dict[str, Projector], name: str, data: bytes) -> None:
    """Decode a file, and prepare it for the projector."""
    reader = readers["audio" if name in ("WAV", "MP3", "FLAC") else "image"]
    with reader.read(data, limits=LIMITS) as media:
        if media.kind == "image":
            reader.tokenize(reader.marker, [media]).close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
