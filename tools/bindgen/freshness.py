"""Check whether the bindings were made from the headers that are built."""

from __future__ import annotations

from tools.bindgen.digest import headers_digest, recorded_digest
from tools.errors import ToolError
from tools.paths import Checkout

REGENERATE = "nox -t gen"


def stale_bindings(checkout: Checkout) -> str:
    """Return why the bindings have to be generated again; empty if they are current, or the source is not there.

    Takes milliseconds and needs no libclang: the bindings record a digest of the headers they were made from.
    """
    generated, source = checkout.bindings, checkout.core_source
    if not (generated.is_file() and source.is_dir()):
        return ""
    if recorded_digest(generated.read_text(encoding="utf-8")) == headers_digest(source):
        return ""
    return f"{generated} was made from other headers than those in {source}"


def require_current_bindings(checkout: Checkout) -> None:
    """Raise ToolError if a build would combine libraries with bindings of other headers."""
    if problem := stale_bindings(checkout):
        raise ToolError(
            f"The bindings are stale: {problem}.",
            why="Python would call these libraries with the structures of others.",
            fix=f"Run: {REGENERATE}",
        )
