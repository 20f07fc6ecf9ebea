"""The options of an engine: those of llama.cpp's server, as its own parser lists them.

Nothing here maps names to fields: the table comes from the library, so that it is right for the llama.cpp in it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from llamapack import gguf
from llamapack._native.library import native
from llamapack._util.arguments import did_you_mean
from llamapack.errors import InputError, InstallationError
from llamapack.threads import warn_of_threads

OptionKind = Literal["flag", "bool", "int", "text", "pair"]
SHOW = "llamapack.engine.engine_options() lists them, with llama.cpp's help."

# What other interfaces call them, llama.cpp's own C interface first.
_KNOWN_AS = {
    "n_ctx": "ctx_size",
    "context_length": "ctx_size",
    "max_model_len": "ctx_size",
    "n_batch": "batch_size",
    "n_ubatch": "ubatch_size",
    "n_parallel": "parallel",
    "n_seq_max": "parallel",
    "n_threads": "threads",
    "n_threads_batch": "threads_batch",
    "type_k": "cache_type_k",
    "type_v": "cache_type_v",
    "offload_kqv": "kv_offload",
    "draft_model": "spec_draft_model",
    "chat_format": "chat_template",
    "lora_path": "lora",
    "max_tokens": "predict",
}
_FILES = ("FNAME", "FILE", "JINJA_TEMPLATE_FILE")
"""How llama.cpp's help writes the name of a file, or several with commas."""
_GGUF = ("control_vector", "control_vector_scaled", "lora", "lora_scaled", "mmproj", "spec_draft_model")
"""Those that are GGUF files."""
_WRITTEN = ("lookup_cache_dynamic",)
"""Files that llama.cpp makes."""
_INSTEAD = {
    "model": "the first argument of Engine",
    "device": "devices",
}
"""Options that Engine has an argument of its own for."""


@dataclass(frozen=True, kw_only=True)
class EngineOption:
    """One option of llama.cpp's server.

    `name` is how Engine takes it, `names` are all its spellings, and `negations` those that switch it off. `hint` is
    what llama.cpp's help writes for the value, empty where it takes none, and `choices` are the values, where it lists
    them. `refused` says why an engine does not take it; it is empty where it does.
    """

    name: str
    names: tuple[str, ...]
    negations: tuple[str, ...]
    kind: OptionKind
    hint: str
    choices: tuple[str, ...]
    group: Literal["general", "sampling", "speculation"]
    help: str
    refused: str


@lru_cache(maxsize=1)
def engine_options() -> Mapping[str, EngineOption]:
    """Return all options of llama.cpp's server by name, those that an engine refuses among them."""
    table = native().llamapack_engine_options()
    if table is None:
        raise InstallationError("llama.cpp's options cannot be listed.", why="Too little memory is left.")
    found = [_option(row) for row in json.loads(table)]
    return MappingProxyType({option.name: option for option in found})


def _option(row: Mapping[str, object]) -> EngineOption:
    def spellings(key: str) -> tuple[str, ...]:
        return tuple(spell(str(each)) for each in row[key])  # type: ignore[attr-defined]  # a list of texts

    hint = str(row["hint"] or "")
    return EngineOption(
        name=spell(str(row["name"])),
        names=spellings("names"),
        negations=spellings("negations"),
        kind=row["kind"],  # type: ignore[arg-type]  # the library's own words
        hint=hint,
        choices=_choices(hint),
        group=row["group"],  # type: ignore[arg-type]
        help=str(row["help"]),
        refused=str(row["refused"] or ""),
    )


def _choices(hint: str) -> tuple[str, ...]:
    """Read the values out of a hint such as `{none,mean,cls}` or `[on|off|auto]`."""
    found = re.fullmatch(r"[\[{<]([\w-]+(?:[,|]\s*[\w-]+)+)[\]}>]", hint)
    return tuple(re.split(r"[,|]\s*", found[1])) if found else ()


def spell(name: str) -> str:
    """Spell an option's name as Python does."""
    return name.replace("-", "_")


@lru_cache(maxsize=1)
def _by_spelling() -> Mapping[str, EngineOption]:
    return {
        name: option for option in engine_options().values() for name in (option.name, *option.names, *option.negations)
    }


def option_name(spelling: str) -> str:
    """Return the name of the option with this spelling; the spelling itself if there is none."""
    option = _by_spelling().get(spelling)
    return spelling if option is None or spelling in option.negations else option.name


def check_options(given: Mapping[str, object]) -> dict[str, object]:
    """Return `given` as the library takes it; raises InputError for options that are unknown, refused, or wrong.

    Those that are None are left out. More threads than processors are a ThreadsWarning.
    """
    for name, value in given.items():
        if option_name(name) in ("threads", "threads_batch") and isinstance(value, int):
            warn_of_threads(name, value)
    return {
        name.replace("_", "-"): _value(name, _find(name), value) for name, value in given.items() if value is not None
    }


def _find(name: str) -> EngineOption:
    option = _by_spelling().get(name)
    if name in _INSTEAD:
        raise InputError(f"Engine does not take the option {name!r}.", fix=f"Use {_INSTEAD[name]}.")
    if option is None:
        raise InputError(f"There is no engine option {name!r}.", why=_suggestion(name), fix=SHOW)
    if option.refused:
        raise InputError(
            f"An engine does not take the option {name!r}.", why=f"{option.refused[:1].upper()}{option.refused[1:]}."
        )
    return option


def _suggestion(name: str) -> str:
    known = [spelling for spelling, option in _by_spelling().items() if not option.refused]
    return did_you_mean(_KNOWN_AS.get(name, name), known)


def _value(name: str, option: EngineOption, value: object) -> object:
    if isinstance(value, os.PathLike):
        value = os.fsdecode(value)
    if isinstance(value, Mapping):
        value = json.dumps(value)
    if isinstance(value, bool) and {"on", "off"} <= set(option.choices):
        value = "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return [_single(name, option, each) for each in value]
    return _single(name, option, value)


def files_of(name: str, value: object) -> Iterator[str]:
    """Yield the files that an option names: several with commas, each with its scale, or a list of such texts."""
    for text in value if isinstance(value, (list, tuple)) else [value]:
        for part in str(text).split(","):
            yield part.rpartition(":")[0] if ":SCALE" in _find(name).hint else part


def _require_files(name: str, option: EngineOption, value: str) -> None:
    """Refuse names of files that are not there, or damaged: some of them llama.cpp passes over."""
    if not option.hint.startswith(_FILES) or option.name in _WRITTEN:
        return
    for file in files_of(name, value):
        if not Path(file).is_file():
            raise InputError(f"The engine option {name!r} names a file that is not there: {file}")
        if option.name in _GGUF:
            gguf.read(file)  # llama.cpp's errors do not say in which file


def _single(name: str, option: EngineOption, value: object) -> object:
    if isinstance(value, os.PathLike):
        value = os.fsdecode(value)
    switch = option.kind in ("flag", "bool")
    if switch != isinstance(value, bool) or not isinstance(value, (bool, int, float, str)):
        raise InputError(f"The engine option {name!r} takes {_wanted(option)}, not {value!r}.")
    if option.kind == "int" and not isinstance(value, int):
        raise InputError(f"The engine option {name!r} takes {_wanted(option)}, not {value!r}.")
    if option.choices and str(value) not in option.choices:
        why = did_you_mean(str(value), option.choices)
        raise InputError(f"The engine option {name!r} takes {_wanted(option)}, not {value!r}.", why=why)
    if isinstance(value, str):
        _require_files(name, option, value)
    return value


def _wanted(option: EngineOption) -> str:
    if option.kind in ("flag", "bool"):
        return "True or False"
    if option.kind == "int":
        return "a whole number"
    if option.kind == "pair":
        return f"two values ({option.hint})"
    if option.choices:
        return f"one of {', '.join(option.choices)}"
    return "a number or a text" if option.hint == "N" else f"a text ({option.hint})"
