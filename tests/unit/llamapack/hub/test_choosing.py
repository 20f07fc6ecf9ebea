"""Which files of a repository a reference means."""

from __future__ import annotations

import pytest
from llamapack.errors import DownloadError, ModelChoiceError, ModelNotFoundError
from llamapack.hub.choosing import Selection, choose
from llamapack.hub.listing import Listing, RepositoryFile
from llamapack.hub.references import HubReference

SPLIT = [f"Q8_0/a-Q8_0-{number:05d}-of-00003.gguf" for number in (1, 2, 3)]


def chosen(names: list[str], tag: str | None = None, file: str | None = None) -> Selection:
    files = tuple(RepositoryFile(path=name, size=1000 * len(name), blob="0" * 64) for name in names)
    reference = HubReference(repository="org/repo", tag=tag, file=file)
    return choose(reference, Listing(repository="org/repo", commit="0" * 40, files=files))


def model(names: list[str], tag: str | None = None, file: str | None = None) -> list[str]:
    return [part.path for part in chosen(names, tag, file).model]


@pytest.mark.parametrize(
    ("names", "tag", "expected"),
    [
        (["a-Q8_0.gguf", "a-Q4_K_M.gguf"], None, "a-Q4_K_M.gguf"),
        (["a-Q8_0.gguf", "a-Q2_K.gguf"], None, "a-Q8_0.gguf"),
        (["a-Q2_K.gguf", "a-Q6_K.gguf"], None, "a-Q2_K.gguf"),
        (["a.gguf", "README.md"], None, "a.gguf"),
        (["a-Q8_0.gguf", "a-Q4_K_M.gguf"], "q8_0", "a-Q8_0.gguf"),
        (["a.Q8_0.gguf", "a.Q4_K_M.gguf"], "Q8_0", "a.Q8_0.gguf"),
        (["a-UD-Q4_K_XL.gguf", "a-Q4_K_M.gguf"], "Q4_K_XL", "a-UD-Q4_K_XL.gguf"),
        (["a-IQ4_XS.gguf", "a-Q4_K_M.gguf"], "IQ4_XS", "a-IQ4_XS.gguf"),
        (["BF16/a.gguf", "a-Q4_K_M.gguf"], "BF16", None),
        (["mmproj-Q4_K_M.gguf", "imatrix-Q4_K_M.gguf", "mtp-a-Q4_K_M.gguf", "a-Q8_0.gguf"], None, "a-Q8_0.gguf"),
        (["a-Q4_K_M.gguf", "a-UD-Q4_K_M.gguf"], "UD-Q4_K_M", "a-UD-Q4_K_M.gguf"),
    ],
)
def test_a_tag_is_looked_for_as_llama_cpp_does(names: list[str], tag: str | None, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ModelNotFoundError, match=f"has no model with {tag}"):
            model(names, tag)
    else:
        assert model(names, tag) == [expected]


def test_all_parts_of_a_split_model_are_meant() -> None:
    assert model([*reversed(SPLIT), "a-Q2_K.gguf"]) == SPLIT
    assert model(SPLIT, file=SPLIT[1]) == SPLIT


def test_a_split_model_that_is_not_whole_is_refused() -> None:
    with pytest.raises(DownloadError, match=r"Of the 3 parts of .* only 2 are there"):
        model(SPLIT[:2])


def test_several_models_are_a_choice_with_sizes() -> None:
    with pytest.raises(ModelChoiceError) as caught:
        model(["one-Q4_K_M.gguf", "other-Q4_K_M.gguf"])
    assert caught.value.choices == ("hf:org/repo/one-Q4_K_M.gguf", "hf:org/repo/other-Q4_K_M.gguf")
    assert "hf:org/repo/one-Q4_K_M.gguf (15.0 kB)" in caught.value.why
    with pytest.raises(ModelChoiceError):
        model(["one-Q2_K.gguf", "other-Q2_K.gguf"])


def test_what_is_not_there_says_what_is() -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        model(["a-Q8_0.gguf"], "Q5_0")
    assert str(caught.value).splitlines() == [
        "The repository org/repo has no model with Q5_0.",
        "It has:",
        "a-Q8_0.gguf (11.0 kB)",
        "Name one of them.",
    ]
    with pytest.raises(ModelNotFoundError, match="no GGUF files"):
        model(["model.safetensors"])
    with pytest.raises(ModelNotFoundError, match="and 20 more"):
        model([f"a-{number}.gguf" for number in range(50)], "Q5_0")


def test_the_projector_is_the_one_nearest_to_the_model() -> None:
    names = ["mmproj-F16.gguf", "x/mmproj-BF16.gguf", "x/a-Q8_0.gguf", "y/mmproj-F16.gguf", "y/a-Q2_K.gguf"]
    nearest = chosen(names, file="x/a-Q8_0.gguf").projector
    assert nearest is not None
    assert nearest.path == "x/mmproj-BF16.gguf"
    bits = chosen(["mmproj-a-Q8_0.gguf", "mmproj-a-F32.gguf", "a-Q4_K_M.gguf"]).projector
    assert bits is not None
    assert bits.path == "mmproj-a-Q8_0.gguf"
    assert chosen(["a-Q8_0.gguf"]).projector is None
