"""The projector of a model: the one that was given, or one that lies beside the model.

Beside it is looked for as llama.cpp looks in a repository of its hub: a GGUF file whose name has `mmproj` in it, of
several the one that is quantized most like the model. In a folder with other models, too, the name of the model must
be in that of the projector: llama.cpp would not look there.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llamapack import gguf
from llamapack.errors import InputError, ModelError
from llamapack.media.header import check_header
from llamapack.model.projector_file import is_projector, misfit

logger = logging.getLogger("llamapack.llama")

GIVE = 'Use Llama(..., projector="FILE"), or projector=False for none.'
_WORD = "mmproj"
_QUANTIZATION = re.compile(r"[-._]((?:UD-)?(?:I?Q\d\w*|BF16|F16|F32|FP16|FP32|TQ\d_\d|MXFP4\w*))$", re.IGNORECASE)
_PART = re.compile(r"-\d{5}-of-\d{5}$")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The projector that is used, None for none, and why."""

    path: Path | None
    reason: str


def choose_projector(
    model_path: Path, wanted: str | os.PathLike[str] | bool | None, *, shifts: bool, came_with: Path | None = None
) -> Chosen:
    """Return the projector of a model; `shifts` says that its context is to forget its beginning, which takes none.

    `came_with` is the one that belongs to the model by its name on a hub; it is taken before those beside the model.

    Raises InputError for one that does not fit, for several of which none is more fitting, and ModelError for a file
    that cannot be read.
    """
    if wanted is False:
        return Chosen(path=None, reason="projector=False")
    model = gguf.read(model_path)
    if wanted is None:
        return _beside(model_path, model, came_with, shifts=shifts)
    if isinstance(wanted, bool) or not isinstance(wanted, (str, os.PathLike)):
        raise InputError(f"projector must be a path, False or None, not {wanted!r}.")
    path = Path(wanted)
    file = gguf.read(path)
    if why := misfit(file, model):
        raise InputError(f"The projector {path} is not for {model_path}.", why=why, fix="Use the one of this model.")
    check_header(path, file)
    if shifts:
        raise InputError(
            'on_overflow="shift" cannot be used with a projector.',
            why="llama.cpp cannot forget a part of an image.",
            fix='Use on_overflow="drop-oldest", or projector=False.',
        )
    return Chosen(path=path, reason="it was given")


def _beside(model_path: Path, model: gguf.Gguf, came_with: Path | None, *, shifts: bool) -> Chosen:
    found, others = _look(model_path) if came_with is None else ([came_with], [])
    if not found:
        return Chosen(path=None, reason=f"no file with {_WORD} in its name is beside the model")
    stem = stem_of(model_path)
    if others:
        found = [path for path in found if stem in _plain(path.stem)]
        if not found:
            return _passed_over(
                f"of those beside the model none has {stem!r} in its name, and {others[0].name} is there, too"
            )
    problems = {path: _problem(path, model) for path in found}
    fitting = [path for path in found if not problems[path]]
    if not fitting:
        return _passed_over("; ".join(f"{path.name} is not used: {problems[path]}" for path in found))
    if shifts:
        return _passed_over(f'{fitting[0].name} is not used: on_overflow="shift" takes none')
    best = _nearest(fitting, model_path)
    if len(best) > 1:
        raise InputError(
            f"There are several projectors beside {model_path}: {', '.join(path.name for path in best)}.", fix=GIVE
        )
    if came_with is not None:
        return Chosen(path=came_with, reason="it came with the model")
    logger.info("%s is used as the projector of %s, beside which it is", best[0], model_path)
    return Chosen(path=best[0], reason="it is beside the model")


def _passed_over(reason: str) -> Chosen:
    logger.info("no projector is used: %s", reason)
    return Chosen(path=None, reason=reason)


def _look(model_path: Path) -> tuple[list[Path], list[Path]]:
    """Return the files beside a model that may be projectors, and those that are other models."""
    try:
        files = sorted(path for path in model_path.absolute().parent.iterdir() if path.suffix == ".gguf")
    except OSError:
        return [], []
    found = [path for path in files if _WORD in path.name.lower()]
    stem = stem_of(model_path)
    return found, [path for path in files if path not in found and stem_of(path) != stem]


def _problem(path: Path, model: gguf.Gguf) -> str:
    try:
        file = gguf.read(path)
        if not is_projector(file):
            return "it is no projector"
        check_header(path, file)
    except ModelError as error:
        return str(error)
    return misfit(file, model)


def stem_of(path: Path) -> str:
    """Return the name of a model's file without the number of its part and its quantization, in small letters."""
    return _plain(_QUANTIZATION.sub("", _PART.sub("", path.stem)))


def _plain(name: str) -> str:
    return re.sub(r"[-._ ]+", "-", name.lower())


def _nearest(paths: Sequence[Path], model_path: Path) -> list[Path]:
    """Return those whose quantization has bits most like the model's."""
    bits = bits_of(model_path)
    least = min(abs(bits_of(path) - bits) for path in paths)
    return [path for path in paths if abs(bits_of(path) - bits) == least]


def bits_of(path: Path) -> int:
    """Return the bits of the quantization that a file is named after, as llama.cpp reads them; 0 without one."""
    found = _QUANTIZATION.search(_PART.sub("", path.stem))
    digits = re.search(r"\d+", found[1]) if found else None
    return int(digits[0]) if digits else 0
