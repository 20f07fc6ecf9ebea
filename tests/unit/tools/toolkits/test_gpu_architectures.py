"""What a plug-in is compiled for comes from the matrix, or from a variable that names others."""

from __future__ import annotations

import os
import re

import pytest

from tools.errors import ToolError
from tools.matrix import load_matrix
from tools.toolkits.gpu_architectures import unless_named, variable, wanted

NAME = "LLAMAPACK_ROCM_ARCHS"
GFX = re.compile("gfx[0-9a-f]+")


def named(text: str) -> str:
    return wanted("rocm", GFX, "Name some.", {NAME: text})


def test_the_matrix_says_what_is_compiled() -> None:
    assert variable("rocm") == NAME
    listed = [arch.arch for arch in load_matrix().gpu_archs("rocm")]
    assert wanted("rocm", GFX, "", {"LLAMAPACK_CUDA_ARCHS": "90"}).split(",") == listed
    assert wanted("rocm", GFX, "", {}, lambda arch: arch.kind).split(",") == ["gfx"] * len(listed)


@pytest.mark.parametrize(
    ("text", "meant"), [("gfx1100", "gfx1100"), (" gfx1100; gfx90a,", "gfx1100,gfx90a"), ("gfx9,gfx8", "gfx9,gfx8")]
)
def test_a_variable_names_others(text: str, meant: str) -> None:
    assert named(text) == meant


@pytest.mark.parametrize(("text", "wrong"), [("1100", "1100"), ("gfx1100,sm_90", "sm_90"), ("gfx1100,,gfx90a", "")])
def test_what_is_no_architecture_is_refused_with_advice(text: str, wrong: str) -> None:
    with pytest.raises(ToolError) as caught:
        named(text)
    assert str(caught.value) == f"{NAME} names {wrong!r}, which is not an architecture.\nName some."


def test_few_are_compiled_unless_others_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    with unless_named("rocm", "gfx90a"):
        assert os.environ[NAME] == "gfx90a"
    assert NAME not in os.environ
    monkeypatch.setenv(NAME, "gfx1201")
    with unless_named("rocm", "gfx90a"):
        assert os.environ[NAME] == "gfx1201"
    assert os.environ[NAME] == "gfx1201"
