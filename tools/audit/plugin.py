"""Audit what is specific to a plug-in's wheel: one library on top of the core's, and its description."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from tools.audit import fatbin, offload
from tools.audit.library import Expected, Finding, Library

DESCRIPTION = "lib/backend.json"
_FRAMEWORK = "/System/Library/Frameworks/{0}.framework/Versions/A/{0}"
OF_THE_DRIVER: Mapping[str, frozenset[str]] = {
    "vulkan": frozenset({"libvulkan.so.1", "vulkan-1.dll"}),
    "rocm": frozenset(
        f"lib{name}.so.{major}"
        for name, majors in {"amdhip64": (6, 7), "rocblas": (4, 5), "hipblas": (2, 3)}.items()
        for major in majors
    )
    | {"amdhip64_6.dll", "amdhip64_7.dll", "rocblas.dll", "hipblas.dll", "libhipblas.dll"},
    "metal": frozenset(_FRAMEWORK.format(name) for name in ("Metal", "MetalKit")),
}
"""What each backend's library is linked with of the device's driver and its runtime, by the backend's name."""

Description = Mapping[str, Any]


def read_description(contents: Path) -> Description | None:
    """Return the description in the unpacked wheel in `contents`; None if it is not a plug-in."""
    found = next(contents.glob(f"*/{DESCRIPTION}"), None)
    return json.loads(found.read_text(encoding="utf-8")) if found else None


def code_sizes(library: Path) -> dict[str, int]:
    """Return the bytes of code for each kind of GPU in `library`, as `real:90`, `ptx:75` or `gfx:gfx1100`."""
    return {**fatbin.code_sizes(library), **offload.code_sizes(library)}


def plugin_expectation(stated: Description, common: Expected, exports: frozenset[str]) -> Expected:
    """Return what to check a plug-in's library against; `common` is what applies to every library.

    `exports` are the symbols that the plug-in contract requires.
    """
    abi_id, name = stated["abi_id"], stated["name"]
    preloaded = [PurePosixPath(path) for path in stated["preload"]]
    return replace(
        common,
        abi_id=abi_id,
        own=frozenset(
            {f"libggml-base-{abi_id}.so", f"ggml-base-{abi_id}.dll", f"libggml-base-{abi_id}.dylib"}
            | {path.name for path in preloaded}
            | OF_THE_DRIVER.get(name, frozenset())
        ),
        exports={**common.exports, f"ggml-{name}": exports},
        module=stated["library"],
        run_paths=frozenset({"../../llamapack/lib", *(path.parent.as_posix() for path in preloaded)}),
    )


def wrong_with_description(stated: Description, libraries: tuple[Library, ...]) -> Iterator[Finding]:
    """Yield findings: a library without description, GPU code that is declared and missing, or undeclared."""
    names = [library.name for library in libraries]
    if names != [stated["library"]]:
        fix = "A plug-in has one library; what it needs beside comes from other wheels."
        yield Finding(rule="one library", file="the wheel", what=f"it has {', '.join(names)}", fix=fix)
        return
    declared = {f"{target['kind']}:{target['name']}" for target in stated["targets"]}
    embedded = set(code_sizes(libraries[0].path))
    for what, targets in (("declares", declared - embedded), ("holds undeclared", embedded - declared)):
        if targets:
            yield Finding(
                rule="GPU code",
                file=stated["library"],
                what=f"{what} code for {', '.join(sorted(targets))}",
                fix="backend.json says what CMake compiled for; matrix.toml has the list. Build it anew.",
            )
