"""The TOML file that says which models a server has, and how each is loaded.

[models.small]
path = "small.gguf"        # relative to the file; or a name, such as "hf:org/repo:Q8_0"
options = { ctx_size = 4096, parallel = 2 }
pin = true
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from llamapack._util.arguments import did_you_mean
from llamapack.errors import InputError
from llamapack.model.finding import FoundModel, is_name
from llamapack.server.runners.files import find_named
from llamapack.server.settings import ModelSettings

_NUMBERS, _TEXTS = (int, float), (str, list)
_KEYS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "path": ((str,), "a file's name, or a model's name"),
    "options": ((dict,), "a table"),
    "backends": (_TEXTS, "a text or a list of texts"),
    "devices": ((list,), "a list of texts"),
    "require_gpu": ((bool,), "true or false"),
    "cpu_level": ((str,), "a text"),
    "pin": ((bool,), "true or false"),
    "ttl": (_NUMBERS, "a number of seconds"),
    "priority": ((int,), "a whole number"),
    "on_out_of_memory": ((list,), "a list of tables"),
}
_NOTHING: Mapping[str, Any] = {}
_HARDWARE = ("backends", "devices", "require_gpu", "cpu_level")


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """How models are loaded that say nothing else: the options and the hardware of the command line."""

    options: Mapping[str, object]
    hardware: Mapping[str, Any]
    on_out_of_memory: Sequence[Mapping[str, object]] = ()

    def model(self, name: str, found: FoundModel, own: Mapping[str, Any] = _NOTHING) -> ModelSettings:
        """Return a model that is loaded in this way, but for its own settings, by the keys of the file."""
        projector: dict[str, object] = {} if found.projector is None else {"mmproj": str(found.projector)}
        return ModelSettings(
            path=found.path,
            name=name,
            options={**projector, **self.options, **own.get("options", {})},
            hardware={**self.hardware, **{key: own[key] for key in _HARDWARE if key in own}},
            pin=own.get("pin", False),
            keep_seconds=own.get("ttl"),
            priority=own.get("priority", 0),
            on_out_of_memory=tuple(own.get("on_out_of_memory", self.on_out_of_memory)),
        )


def read_models_file(file: Path, defaults: Defaults) -> list[ModelSettings]:
    """Return the models of a file; raises InputError with the file, the model and the key."""
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The file {file} cannot be read.", why=str(error), fix="Check its name.") from error
    except ValueError as error:  # TOMLDecodeError, and what is no UTF-8
        raise InputError(f"The file {file} is not TOML.", why=str(error), fix="Correct it there.") from error
    _check_keys(data, ("models",), f"The file {file}")
    models = data.get("models")
    if not isinstance(models, dict) or not models:
        raise InputError(
            f"The file {file} has no models.", fix='Add tables, such as: [models.NAME] with path = "FILE".'
        )
    return [_read_model(file, name, table, defaults) for name, table in models.items()]


def _read_model(file: Path, name: str, table: object, defaults: Defaults) -> ModelSettings:
    where = f"models.{name} in {file}"
    if not isinstance(table, dict):
        raise InputError(f"{where} is {table!r}, not a table.", fix=f"Write [models.{name}].")
    _check_keys(table, tuple(_KEYS), where)
    for key, value in table.items():
        types, words = _KEYS[key]
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise InputError(f"{key} of {where} is {value!r}.", fix=f"It must be {words}.")
    if not table.get("path"):
        raise InputError(f"{where} has no path.", fix='Add path = "FILE.gguf".')
    for step in table.get("on_out_of_memory", ()):
        if not isinstance(step, dict) or not step:
            raise InputError(
                f"on_out_of_memory of {where} has {step!r}.", fix="It must be tables of options: [{ ctx_size = 4096 }]."
            )
    path = file.parent / Path(table["path"]).expanduser()
    named = not path.exists() and is_name(table["path"])
    return defaults.model(name, find_named(table["path"]) if named else FoundModel(path=path), table)


def _check_keys(table: Mapping[str, object], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise InputError(
                f"{where} has an unknown key {key!r}.",
                why=did_you_mean(key, known),
                fix=f"Known are: {', '.join(known)}.",
            )
