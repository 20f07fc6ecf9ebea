"""Read tables of a TOML file; every complaint names the file, the key and the valid values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import tomllib

from tools.errors import ToolError, valid

_WORDS = {str: "a string", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of a TOML file, with the names that complaints need."""

    file: str
    path: str
    data: Mapping[str, object]

    def only(self, *keys: str) -> Table:
        """Return this table; refuse it when it has a key that is not one of `keys`."""
        for key in self.data:
            if key not in keys:
                raise ToolError(f"{self._where()} has an unknown key {key!r}.", fix=valid("keys", keys))
        return self

    def text(self, key: str) -> str:
        """Return the non-empty string under `key`."""
        value = cast("str", self._get(key, str))
        if not value:
            raise ToolError(f"{self._where(key)} is empty.", fix="It must be a string with something in it.")
        return value

    def text_or(self, key: str, default: str = "") -> str:
        """Return the string under `key`, or `default` if there is none."""
        return self.text(key) if key in self.data else default

    def matching(self, key: str, fits: Callable[[str], object], rule: str) -> str:
        """Return the string under `key`, which `fits` must accept; `rule` is what it must be, for the message."""
        self._value(key, rule)
        if not fits(value := self.text(key)):
            raise self.wrong(key, rule)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of distinct strings under `key`."""
        values = cast("list[object]", self._get(key, list))
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise self._wrong(f"{key}[{index}]", value, str)
            if value in values[:index]:
                raise ToolError(f"{self._where(key)} names {value!r} twice.", fix="Remove one of them.")
        return tuple(cast("list[str]", values))

    def texts_or_empty(self, key: str) -> tuple[str, ...]:
        """Return the list of distinct strings under `key`, or an empty one if there is none."""
        return self.texts(key) if key in self.data else ()

    def number(self, key: str) -> int:
        """Return the whole number under `key`."""
        return cast("int", self._get(key, int))

    def choice(self, key: str, kind: str, among: Collection[str]) -> str:
        """Return the string under `key`, which must be one of `among`; `kind` is what they are called."""
        return self.known(key, self.text(key), kind, among)

    def choices(self, key: str, kind: str, among: Collection[str]) -> tuple[str, ...]:
        """Return the strings under `key`, each of which must be one of `among`."""
        return tuple(self.known(key, value, kind, among) for value in self.texts(key))

    def table(self, key: str) -> Table:
        """Return the table under `key`."""
        data = cast("Mapping[str, object]", self._get(key, dict))
        return Table(file=self.file, path=self._join(key), data=data)

    def table_or_empty(self, key: str) -> Table:
        """Return the table under `key`, or an empty one if there is none."""
        return self.table(key) if key in self.data else Table(file=self.file, path=self._join(key), data={})

    def tables(self, key: str) -> Iterator[Table]:
        """Go through the tables of the array under `key`."""
        for index, value in enumerate(cast("list[object]", self._get(key, list))):
            if not isinstance(value, dict):
                raise self._wrong(f"{key}[{index}]", value, dict)
            yield Table(file=self.file, path=f"{self._join(key)}[{index}]", data=value)

    def known(self, key: str, value: str, kind: str, among: Collection[str]) -> str:
        """Return `value`; refuse it when it is not one of `among`."""
        if value not in among:
            raise ToolError(f"{self._where(key)} names {value!r}, which is no {kind}.", fix=valid(f"{kind}s", among))
        return value

    def wrong(self, key: str, rule: str) -> ToolError:
        """Return the error for the value under `key`; `rule` is what it must be."""
        return ToolError(f"{self._where(key)} is {self.data[key]!r}.", fix=f"It must be {rule}.")

    def _value(self, key: str, rule: str) -> object:
        if key not in self.data:
            raise ToolError(f"{self._where()} has no {key!r}.", fix=f"Add it: {rule}.")
        return self.data[key]

    def _get(self, key: str, kind: type) -> object:
        value = self._value(key, _WORDS[kind])
        if type(value) is not kind:
            raise self._wrong(key, value, kind)
        return value

    def _wrong(self, key: str, value: object, kind: type) -> ToolError:
        got = _WORDS.get(type(value), "a date or time")
        return ToolError(f"{self._where(key)} is {value!r}, {got}.", fix=f"It must be {_WORDS[kind]}.")

    def _join(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _where(self, key: str = "") -> str:
        path = self._join(key) if key else self.path
        return f"{self.file}: {path}" if path else f"{self.file}: the file"


def read_toml(path: Path) -> Table:
    """Read the TOML file `path`; a missing or malformed one is a ToolError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ToolError(f"{path} was not found.", fix=f"Get it back: git checkout -- {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ToolError(f"{path.name} is not valid TOML.", why=str(error), fix="Fix that line.") from error
    return Table(file=path.name, path="", data=data)
