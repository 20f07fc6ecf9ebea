"""Files that are no good model end in our errors, in this process."""

from pathlib import Path

import llamapack
import pytest
from llamapack.errors import ModelError, ModelFormatError, ModelNotFoundError


@pytest.mark.parametrize("part", [0.00001, 0.005, 0.02, 0.5, 0.999999])
def test_a_truncated_model_is_refused(model_path: Path, tmp_path: Path, part: float) -> None:
    size = int(model_path.stat().st_size * part)
    path = tmp_path / "cut.gguf"
    with model_path.open("rb") as whole:
        path.write_bytes(whole.read(size))
    with pytest.raises(ModelFormatError) as caught:
        llamapack.Model(path)
    assert caught.value.what == f"The model {path} is damaged or incomplete."
    assert caught.value.why.startswith("At byte ")
    assert caught.value.fix.startswith("Get the file again and compare its checksum")


def test_a_model_cut_in_its_weights_says_so(model_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    with model_path.open("rb") as whole:
        path.write_bytes(whole.read(model_path.stat().st_size - 1000))
    with pytest.raises(ModelFormatError, match=r"lies at bytes \d+ to \d+, but the file ends after \d+"):
        llamapack.Model(path)


def test_an_unknown_architecture_is_named(model_path: Path, tmp_path: Path) -> None:
    data = model_path.read_bytes()
    key = b"general.architecture"
    at = data.index(key) + len(key) + 4 + 8
    assert data[at : at + 5] == b"llama"
    path = tmp_path / "new.gguf"
    path.write_bytes(data[:at] + b"blama" + data[at + 5 :])
    with pytest.raises(ModelFormatError, match="unknown model architecture: 'blama'"):
        llamapack.Model(path)


@pytest.mark.parametrize(
    ("content", "kind"), [(None, ModelNotFoundError), (b"", ModelFormatError), (b"GGML" + bytes(64), ModelFormatError)]
)
def test_missing_empty_and_foreign_files_are_refused(
    tmp_path: Path, content: bytes | None, kind: type[ModelError]
) -> None:
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind):
        llamapack.Model(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="is a folder"):
        llamapack.Model(tmp_path)


def test_a_good_model_loads_after_a_bad_one(model_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"GGUF\x03\0\0\0" + b"\xff" * 16)
    with pytest.raises(ModelFormatError):
        llamapack.Model(path)
    with llamapack.Model(model_path, vocab_only=True) as model:
        assert model.vocab.tokenize("a") == [81]


def test_a_path_with_spaces_and_other_letters_works(model_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mein Modell & 模型"
    folder.mkdir()
    path = folder / "größe.gguf"
    path.symlink_to(model_path)
    with llamapack.Model(path, vocab_only=True) as model:
        assert len(model.vocab) == 49152
