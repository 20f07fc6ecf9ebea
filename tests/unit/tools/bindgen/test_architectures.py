"""The list of architectures is llama.cpp's table, and says so if it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from llamapack.gguf.architectures import ARCHITECTURES

from tools.bindgen.architectures import generate_architectures
from tools.errors import ToolError

TABLE = """
static const std::map<llm_arch, const char *> LLM_ARCH_NAMES = {
    { LLM_ARCH_CLIP,      "clip"       }, // dummy
    { LLM_ARCH_LLAMA,     "llama"      },
    { LLM_ARCH_QWEN3_VL,  "qwen3-vl"   },
    { LLM_ARCH_UNKNOWN,   "(unknown)"  },
};

static const std::map<llm_kv, const char *> LLM_KV_NAMES = {
    { LLM_KV_GENERAL_TYPE, "general.type" },
};
"""


def written(folder: Path, text: str) -> str:
    (folder / "src").mkdir()
    (folder / "src/llama-arch.cpp").write_text(text, encoding="utf-8")
    (found,) = generate_architectures(folder).values()
    return found


def test_names_are_those_of_the_table(tmp_path: Path) -> None:
    found: dict[str, frozenset[str]] = {}
    exec(written(tmp_path, TABLE), found)  # noqa: S102  # our own text
    assert found["ARCHITECTURES"] == {"clip", "llama", "qwen3-vl"}


def test_another_form_of_the_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"has no table LLM_ARCH_NAMES that can be read"):
        written(tmp_path, TABLE.replace("LLM_ARCH_NAMES", "NAMES"))


def test_the_list_has_the_architectures_of_models_that_people_use() -> None:
    assert {"llama", "qwen3", "qwen3moe", "gemma3", "phi3", "bert", "mamba2", "gpt-oss"} <= ARCHITECTURES
