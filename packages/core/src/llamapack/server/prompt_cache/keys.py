"""For which models a file is right, and for which there is no cache."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from llamapack._native.library import library_dir
from llamapack.engine.options import files_of, option_name, spell
from llamapack.errors import InputError
from llamapack.runner.configuration import Wanted

_FORMAT = 1
_FIRST_PART = re.compile(r"-00001(?=-of-\d{5}\.gguf$)")
_SAMPLES = 16
_SAMPLE_BYTES = 1 << 16
_WITHOUT_EFFECT = frozenset(
    {"alias", "cache_idle_slots", "cache_ram", "metrics", "model", "predict", "slot_prompt_similarity", "slots"}
    | {"slot_save_path", "threads", "threads_batch", "warmup"}
)
"""Options that do not change what is computed of a prompt."""


def why_off(wanted: Wanted) -> str:
    """Return why a model has no cache; empty if it has one, as far as its options tell."""
    options = _by_name(wanted.options)
    if options.get("embedding") or options.get("rerank"):
        return "it makes vectors or scores, and keeps nothing of a prompt"
    if "lora" in options or "lora_scaled" in options:
        return "it has LoRA adapters, and a file does not say with which strengths it was computed"
    if "spec_draft_model" in options or any(_drafts(each) for each in str(options.get("spec_type", "")).split(",")):
        return "it has a draft model, whose part of a prompt llama.cpp does not save"
    if "slot_save_path" in options:
        return "the option slot_save_path is given"
    if options.get("slots") is False or options.get("cache_prompt") is False:
        return "the options switch off slots or cache_prompt"
    return ""


def key_of(wanted: Wanted) -> str:
    """Return the name of the folder for a model's files: another one for whatever changes what is in them.

    That is the model's file, llama.cpp, the libraries that compute, and the options. Raises OSError.
    """
    options = {name: value for name, value in _by_name(wanted.options).items() if name not in _WITHOUT_EFFECT}
    facts = {
        "format": _FORMAT,
        "model": [_sampled(path) for path in _parts(wanted.path)],
        "options": options,
        "files": [_stamp(path) for name, value in sorted(options.items()) for path in _named(name, value)],
        "llama.cpp": [_digest(path) for path in sorted(library_dir().glob("*llamapack*")) if path.is_file()],
        "backends": [[path.name, path.stat().st_size] for path in wanted.libraries],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _by_name(options: Mapping[str, object]) -> dict[str, object]:
    """Return options by their names, whatever spelling they were given by; the switch `no_slots` is `slots`, False."""
    found = {}
    for spelling, value in options.items():
        name = option_name(spell(spelling))
        negated = isinstance(value, bool) and name.startswith("no_")
        found[name.removeprefix("no_") if negated else name] = not value if negated else value
    return found


def _drafts(kind: str) -> bool:
    return kind not in ("", "none") and not kind.startswith("ngram")


def _parts(path: Path) -> list[Path]:
    """Return the files of a model, which may be split."""
    pattern = _FIRST_PART.sub("-[0-9][0-9][0-9][0-9][0-9]", path.name)
    return [path] if pattern == path.name else sorted(path.parent.glob(pattern))


def _sampled(path: Path) -> list[object]:
    """Tell a model's file from others: by its size, its time, and some of its bytes; to read all takes too long."""
    about = path.stat()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for number in range(_SAMPLES):
            file.seek(number * max(0, about.st_size - _SAMPLE_BYTES) // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
    return [about.st_size, about.st_mtime_ns, digest.hexdigest()]


def _named(name: str, value: object) -> Iterator[Path]:
    """Yield the files that an option names."""
    try:
        texts = list(files_of(name, value)) if isinstance(value, (str, list)) else []
        yield from (Path(text) for text in texts if Path(text).is_file())
    except (InputError, OSError, ValueError):  # no such option, or no path
        return


def _stamp(path: Path) -> list[object]:
    about = path.stat()
    return [path.name, about.st_size, about.st_mtime_ns]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
