"""What `/set` changes: how answers are written by the model, and how they are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from llamapack.errors import InputError
from llamapack.llama.plans.options import AskOptions, check

Think = Literal["fold", "show", "off"]
_ON = {"on": True, "off": False}


def _switch(text: str) -> bool:
    return _ON[text]


def _think(text: str) -> Think:
    if text not in ("fold", "show", "off"):
        raise ValueError(text)
    return cast("Think", text)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A name of `/set`: how its value is read, which ones there are, and what it does."""

    read: Callable[[str], Any]
    values: str
    does: str


SETTINGS: Mapping[str, Setting] = {
    "think": Setting(read=_think, values="fold, show, off", does="thinking: one line, all of it, or none"),
    "markdown": Setting(read=_switch, values="on, off", does="show markdown, or the text as it is"),
    "stats": Setting(read=_switch, values="on, off", does="a line with numbers after each answer"),
    "temperature": Setting(read=float, values="0 or more", does="0 always takes the likeliest token"),
    "top_k": Setting(read=int, values="0 or more", does="keep the k likeliest tokens; 0 keeps all"),
    "top_p": Setting(read=float, values="0 to 1", does="keep the likeliest tokens that together reach p"),
    "min_p": Setting(read=float, values="0 to 1", does="keep tokens at least p times as likely as the likeliest"),
    "seed": Setting(read=int, values="a number", does="make the choices repeatable"),
    "max_tokens": Setting(read=int, values="a number", does="stop after so many tokens"),
}
SAMPLING = ("temperature", "top_k", "top_p", "min_p", "seed", "max_tokens")


@dataclass(kw_only=True)
class Settings:
    """What is set now; `sampling` are options of Llama's calls."""

    think: Think = "fold"
    markdown: bool = True
    stats: bool = True
    sampling: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the options of the model's calls. Raises InputError."""
        check("chat", self.sampling, AskOptions)

    def change(self, name: str, text: str) -> None:
        """Set `name` to what `text` says; `default` takes an option of the model's back. Raises InputError."""
        if name not in SETTINGS:
            raise InputError(f"There is no setting {name!r}.", fix=f"There are: {', '.join(SETTINGS)}.")
        if text == "default" and name in SAMPLING:
            self.sampling.pop(name, None)
            return
        try:
            value = SETTINGS[name].read(text)
        except (KeyError, ValueError):
            raise InputError(f"{name} cannot be {text!r}.", fix=f"Give: {SETTINGS[name].values}.") from None
        if name in SAMPLING:
            check("chat", {name: value}, AskOptions)
            self.sampling[name] = value
        else:
            setattr(self, name, value)

    def value(self, name: str) -> str:
        """Return the value of a setting as a text."""
        value = self.sampling.get(name, "default") if name in SAMPLING else getattr(self, name)
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)

    def options(self) -> dict[str, Any]:
        """Return the options of a call."""
        return {**self.sampling, **({"thinking": False} if self.think == "off" else {})}
