"""Which headers are bound, how much of each, and the standard headers that they include.

libclang from PyPI contains no headers, and with the system's the result would depend on the machine. So the few
standard types that upstream uses are declared here, for x86_64 Linux; the fixed-width names keep their meaning on every
target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.bindgen.model import Function, Pointer, RecordRef
from tools.paths import CORE

OWN_HEADER = CORE / "native" / "include" / "llamapack.h"
RUNNER_HEADER = OWN_HEADER.with_name("llamapack_runner.h")
"""What the program llamapack-runner calls: exported, and not bound."""

Share = Literal["all", "needed", "types"]


@dataclass(frozen=True, kw_only=True)
class Header:
    """A header and the part of it that is bound.

    all      every function and type
    needed   functions that `is_needed` accepts, and the types that bound declarations use
    types    only the types that bound declarations use
    """

    path: Path
    share: Share


def bound_headers(source: Path) -> Sequence[Header]:
    """Return the headers that are bound; upstream's are in the tree at `source`."""
    ggml = source / "ggml" / "include"
    mtmd = source / "tools" / "mtmd"
    return (
        Header(path=ggml / "ggml.h", share="needed"),
        Header(path=ggml / "ggml-alloc.h", share="all"),
        Header(path=ggml / "ggml-backend.h", share="all"),
        Header(path=ggml / "ggml-cpu.h", share="types"),  # its functions are in modules, behind get_proc_address
        Header(path=ggml / "ggml-opt.h", share="types"),
        Header(path=ggml / "gguf.h", share="all"),
        Header(path=source / "include" / "llama.h", share="all"),
        Header(path=mtmd / "mtmd.h", share="all"),
        Header(path=mtmd / "mtmd-helper.h", share="all"),
        Header(path=OWN_HEADER, share="all"),
    )


# The functions for building graphs that are bound: making tensors, and one operation to test a device with.
_GRAPH_FUNCTIONS = frozenset(
    {
        "ggml_dup_tensor",
        "ggml_get_first_tensor",
        "ggml_get_next_tensor",
        "ggml_get_tensor",
        "ggml_mul_mat",
        "ggml_new_tensor",
        "ggml_new_tensor_1d",
        "ggml_new_tensor_2d",
        "ggml_new_tensor_3d",
        "ggml_new_tensor_4d",
    }
)


def is_needed(function: Function) -> bool:
    """Return False for functions that add an operation to a graph: models use them, users of models do not."""
    if function.name in _GRAPH_FUNCTIONS:
        return True
    first = function.parameters[0].type if function.parameters else None
    return not (_points_to(first, "ggml_context") and _points_to(function.result, "ggml_tensor"))


def _points_to(type_: object, record: str) -> bool:
    return isinstance(type_, Pointer) and type_.to == RecordRef(name=record)


_SIZED = [f"{kind}{bits}" for bits in (8, 16, 32, 64) for kind in ("int", "uint")]
STANDARD_HEADERS = {
    "stdbool.h": "#define bool _Bool\n#define true 1\n#define false 0\n",
    "stddef.h": (
        "typedef __SIZE_TYPE__ size_t;\ntypedef __PTRDIFF_TYPE__ ptrdiff_t;\n#define NULL ((void *) 0)\n"
        "#define offsetof(type, member) __builtin_offsetof(type, member)\n"
    ),
    "stdint.h": (
        "".join(f"typedef __{name.upper()}_TYPE__ {name}_t;\n" for name in (*_SIZED, "intptr", "uintptr"))
        + "#define UINTPTR_MAX __UINTPTR_MAX__\n"
    ),
    "stdio.h": "#include <stddef.h>\ntypedef struct FILE FILE;\n",
}
