"""Which projector is used: given, or beside the model; and what a projector's file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llamapack import gguf
from llamapack.errors import InputError, ModelFormatError, ModelNotFoundError
from llamapack.llama.opening import set_up
from llamapack.llama.projectors import bits_of, choose_projector, stem_of
from llamapack.model.projector_file import misfit, read_projector

from tests.support.reference.made_models import write_model
from tests.support.reference.made_projectors import IMAGE_SIZE, KINDS, TOKENS, write_projector

BESIDE = "it is beside the model"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "Cat-7B.Q4_K_M.gguf", "llama")


def chosen(model: Path, wanted: Any = None, *, shifts: bool = False) -> tuple[str, str]:
    found = choose_projector(model, wanted, shifts=shifts)
    return found.path.name if found.path else "", found.reason


def test_projector_beside_the_model_is_found(model: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert chosen(model) == ("", "no file with mmproj in its name is beside the model")
    path = write_projector(model.with_name("mmproj-model-f16.gguf"))
    with caplog.at_level("INFO", "llamapack.llama"):
        assert chosen(model) == (path.name, BESIDE)
    assert f"{path} is used as the projector of {model}, beside which it is" in caplog.text
    assert chosen(model, False) == ("", "projector=False")


def test_the_one_that_is_quantized_most_like_the_model_is_used(model: Path) -> None:
    for name in ("F32", "F16", "Q8_0"):
        write_projector(model.with_name(f"mmproj-{name}.gguf"))
    assert chosen(model)[0] == "mmproj-Q8_0.gguf"
    other = model.rename(model.with_name("Cat-7B-F32.gguf"))
    assert chosen(other)[0] == "mmproj-F32.gguf"


def test_several_that_are_alike_are_an_error(model: Path) -> None:
    for name in ("F16", "BF16"):
        write_projector(model.with_name(f"mmproj-{name}.gguf"))
    with pytest.raises(InputError) as caught:
        choose_projector(model, None, shifts=False)
    assert str(caught.value) == (
        f"There are several projectors beside {model}: mmproj-BF16.gguf, mmproj-F16.gguf.\n"
        'Use Llama(..., projector="FILE"), or projector=False for none.'
    )


def test_one_that_does_not_fit_is_passed_over_unless_it_is_given(model: Path) -> None:
    path = write_projector(model.with_name("mmproj.gguf"), width=48)
    why = "It makes embeddings of width 48, but those of the model have 64."
    assert chosen(model) == ("", f"mmproj.gguf is not used: {why}")
    with pytest.raises(InputError) as caught:
        choose_projector(model, path, shifts=False)
    assert str(caught.value) == f"The projector {path} is not for {model}.\n{why}\nUse the one of this model."


def test_damaged_ones_are_passed_over_unless_they_are_given(model: Path) -> None:
    path = model.with_name("mmproj.gguf")
    path.write_bytes(b"GGUF")
    assert chosen(model)[1].startswith("mmproj.gguf is not used: ")
    with pytest.raises(ModelFormatError):
        choose_projector(model, path, shifts=False)
    with pytest.raises(ModelNotFoundError):
        choose_projector(model, "none.gguf", shifts=False)
    with pytest.raises(InputError, match="projector must be a path, False or None, not True"):
        choose_projector(model, True, shifts=False)
    with pytest.raises(InputError, match=r"It is no projector: its architecture is 'llama'\."):
        choose_projector(model, model, shifts=False)


def test_one_without_a_tensor_that_llama_cpp_would_crash_of_is_damaged(model: Path) -> None:
    path = write_projector(model.with_name("mmproj.gguf"))
    path.write_bytes(path.read_bytes().replace(b"v.patch_embd.weight", b"v.patch_embd.weighs"))
    why = "The tensor v.patch_embd.weight is missing, which the type mlp needs."
    assert why in chosen(model)[1]
    with pytest.raises(ModelFormatError, match=why):
        choose_projector(model, path, shifts=False)


def test_among_other_models_the_name_must_be_the_model_s(model: Path) -> None:
    write_model(model.with_name("Dog-7B.Q8_0.gguf"), "llama")
    write_projector(model.with_name("mmproj-dog-7b-f16.gguf"))
    assert chosen(model) == (
        "",
        "of those beside the model none has 'cat-7b' in its name, and Dog-7B.Q8_0.gguf is there, too",
    )
    write_projector(model.with_name("cat_7b-mmproj-f16.gguf"))
    assert chosen(model) == ("cat_7b-mmproj-f16.gguf", BESIDE)


def test_other_quantizations_and_parts_are_the_same_model(model: Path) -> None:
    write_model(model.with_name("Cat-7B.Q8_0.gguf"), "llama")
    write_projector(model.with_name("mmproj-F16.gguf"))
    assert chosen(model) == ("mmproj-F16.gguf", BESIDE)
    names = ("Cat-7B-UD-Q4_K_XL.gguf", "Cat-7B.gguf", "cat_7b-IQ2_XXS.gguf", "Cat-7B-F16-00001-of-00002.gguf")
    assert {stem_of(Path(name)) for name in names} == {"cat-7b"}
    assert [bits_of(Path(name)) for name in names] == [4, 0, 2, 16]


def test_contexts_that_shift_take_none(model: Path) -> None:
    path = write_projector(model.with_name("mmproj.gguf"))
    assert chosen(model, shifts=True) == ("", 'mmproj.gguf is not used: on_overflow="shift" takes none')
    with pytest.raises(InputError, match=r'on_overflow="shift" cannot be used with a projector'):
        choose_projector(model, path, shifts=True)


def test_models_that_do_not_write_take_none(model: Path) -> None:
    with pytest.raises(InputError, match="A model that is to embed takes no projector"):
        set_up(model, {}, task="embed", projector="mmproj.gguf")


def test_file_is_read(tmp_path: Path) -> None:
    model = gguf.read(write_model(tmp_path / "model.gguf", "llama"))
    for kind in KINDS:
        file = gguf.read(write_projector(tmp_path / f"{kind}.gguf", kind))
        assert misfit(file, model) == ""
        for part, name in zip(read_projector(file).parts, kind.split(" and "), strict=True):
            assert (part.kind, part.width) == ("audio" if name == "ultravox" else "vision", 64)
            assert part.tokens == (TOKENS[name] if name in IMAGE_SIZE else None)
    assert misfit(gguf.read(write_projector(tmp_path / "none.gguf", has_vision_encoder=False)), model) == (
        "It takes neither images nor audio."
    )


def test_links_are_looked_beside_where_they_are(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "linked"
    folder.mkdir()
    link = folder / "model.gguf"
    link.symlink_to(model)
    write_projector(folder / "mmproj.gguf")
    assert chosen(link) == ("mmproj.gguf", BESIDE)
