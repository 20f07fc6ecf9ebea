"""What the user's environment says: the cache's folder, the hub's address, tokens, and whether to stay offline.

The variables are those of huggingface_hub and llama.cpp, and mean the same.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from llamapack.errors import InputError
from llamapack.hub.references import is_loopback, split_address

HUB = "https://huggingface.co"
SECONDS = 30.0
"""How long a server may be silent; HF_HUB_DOWNLOAD_TIMEOUT changes it."""

_MOST_SECONDS = 1e6  # sockets take no more than some years
_TRUE = ("1", "ON", "YES", "TRUE")
_FOLDERS = (
    ("LLAMA_CACHE", ""),
    ("HF_HUB_CACHE", ""),
    ("HUGGINGFACE_HUB_CACHE", ""),
    ("HF_HOME", "hub"),
    ("XDG_CACHE_HOME", "huggingface/hub"),
)
_TOKEN = re.compile(r"[!-~]+")


def hub_cache() -> Path:
    """Return the folder that Hugging Face's programs and llama.cpp keep downloads in."""
    for variable, beneath in _FOLDERS:
        if value := os.environ.get(variable):
            return _folder(value) / beneath
    return _folder("~/.cache/huggingface/hub")


def endpoint() -> str:
    """Return the address of the hub, without a slash at its end; raises InputError for one that is not encrypted."""
    address = (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
    try:
        parts = split_address(address)
    except ValueError as error:
        raise InputError("HF_ENDPOINT cannot be used.", why=f"{error}.", fix="Set it to https://HOST.") from None
    if parts.username is None and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts))):
        return address
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    raise InputError(
        f"HF_ENDPOINT is {shown!r}, which cannot be used.",
        fix="Set it to https://HOST, without a user name; http is for this machine only.",
    )


def is_offline() -> bool:
    """Return True if the environment says that nothing is to be asked of any server."""
    return (os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or "").upper() in _TRUE


def wants_xet() -> bool:
    """Return True unless HF_HUB_DISABLE_XET says that the hub's own way of transfer is not to be used."""
    return os.environ.get("HF_HUB_DISABLE_XET", "").upper() not in _TRUE


def find_token() -> str | None:
    """Return the user's token: of HF_TOKEN, or the one that `hf auth login` has stored."""
    for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if value := os.environ.get(variable, "").strip():
            return check_token(value)
    try:
        stored = _token_file().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return check_token(stored) if stored else None


def check_token(token: str) -> str:
    """Return a token that can be sent; raises InputError, which does not show it, for another."""
    if not _TOKEN.fullmatch(token):
        raise InputError("The token has characters that no token has.", fix="Copy it again from the hub's settings.")
    return token


def seconds() -> float:
    """Return how long a server may be silent before the connection counts as broken."""
    try:
        value = float(os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT") or SECONDS)
    except ValueError:
        return SECONDS
    return min(value, _MOST_SECONDS) if value > 0 else SECONDS


def _token_file() -> Path:
    if named := os.environ.get("HF_TOKEN_PATH"):
        return _folder(named)
    if home := os.environ.get("HF_HOME"):
        return _folder(home) / "token"
    return _folder(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface/token"


def _folder(text: str) -> Path:
    return Path(os.path.expanduser(os.path.expandvars(text))).absolute()  # noqa: PTH111  # Path's raises for ~nobody
