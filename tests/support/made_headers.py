"""Bind made-up headers: helpers that the tests of the bindings generator share."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from tools.bindgen.headers import Header
from tools.bindgen.parse import parse
from tools.bindgen.python_writer import write_python
from tools.bindgen.select import Bindings, select

PRELUDE = "#include <stddef.h>\n#include <stdint.h>\n#include <stdbool.h>\n"
TREE = {
    "ggml/include/ggml.h": "#pragma once\n"
    + PRELUDE
    + "#define GGML_API extern\nstruct ggml_context;\nstruct ggml_tensor { int n; };\n"
    + "GGML_API struct ggml_tensor * ggml_add(struct ggml_context * ctx, struct ggml_tensor * a);\n"
    + "GGML_API struct ggml_tensor * ggml_mul_mat(struct ggml_context * ctx, struct ggml_tensor * a);\n"
    + "GGML_API void ggml_nowhere(void);\nenum ggml_tensor_flag { GGML_TENSOR_FLAG_A = 1 };\n",
    "ggml/include/ggml-alloc.h": "",
    "ggml/include/ggml-backend.h": "#define GGML_BACKEND_API extern\nGGML_API int ggml_backend_count(void);\n",
    "ggml/include/ggml-cpu.h": "GGML_BACKEND_API int ggml_cpu_has_avx(void);\n",
    "ggml/include/ggml-cuda.h": "GGML_BACKEND_API void ggml_backend_cuda_init(void);\n",
    "ggml/include/ggml-opt.h": "GGML_API void ggml_opt_run(void);\n",
    "ggml/include/gguf.h": "",
    "ggml/src/ggml-impl.h": "GGML_API void ggml_inner(void);\n",
    "ggml/src/ggml.c": "struct ggml_tensor * ggml_add(\n    struct ggml_context * ctx,\n"
    + "    struct ggml_tensor * a) {\n}\n"
    + "struct ggml_tensor * ggml_mul_mat(struct ggml_context * ctx, struct ggml_tensor * a) {\n"
    + "    return ggml_nowhere();\n}\n"
    + "void ggml_inner(void) {\n    if (ggml_nowhere(1)) {\n    }\n}\nvoid ggml_opt_run(void) {}\n",
    "ggml/src/ggml-backend-reg.cpp": "int ggml_backend_count() {\n    return 0;\n}\n",
    "ggml/src/ggml-cpu/arch/x.c": "int ggml_cpu_has_avx(void) { return 1; }\n",
    "include/llama.h": '#pragma once\n#define LLAMA_API\n#include "ggml.h"\nstruct llama_model;\n'
    + "struct llama_params { int n; };\n"
    + "LLAMA_API struct llama_params llama_default_params(void);\n",
    "src/llama.cpp": "struct llama_params llama_default_params() {\n}\n",
    "tools/mtmd/mtmd.h": "",
    "tools/mtmd/mtmd-helper.h": "",
}
"""A llama.cpp in small: every header that is bound, and sources that define what they declare."""


def write_tree(folder: Path) -> Path:
    """Write `TREE` into `folder`."""
    for name, text in TREE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def bind(folder: Path, text: str) -> Bindings:
    """Bind everything in a header `made.h`, whose text starts in line 4."""
    path = folder / "made.h"
    path.write_text(PRELUDE + text, encoding="utf-8")
    everything = parse([path])
    libraries = dict.fromkeys(everything.functions, "llamapack")
    return select(everything, [Header(path=path, share="all")], libraries)


def load(folder: Path, text: str) -> Any:
    """Bind a header, run the Python code that is written for it, and return the module."""
    module = ModuleType("made")
    exec(compile(write_python(bind(folder, text), "# made"), "made.py", "exec"), module.__dict__)  # noqa: S102
    return module
