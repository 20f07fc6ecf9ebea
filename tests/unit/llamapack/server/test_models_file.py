"""The TOML file of a server's models: what is read of it, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from llamapack.errors import InputError
from llamapack.server.models_file import Defaults, read_models_file
from llamapack.server.settings import ModelSettings

DEFAULTS = Defaults(options={"ctx_size": 100, "parallel": 4}, hardware={"backends": None, "require_gpu": False})
WHOLE = """
[models.small]
path = "sub/small.gguf"

[models."big:7b"]
path = "/models/big.gguf"
options = { ctx_size = 4096, embedding = true }
backends = ["cuda", "vulkan"]
devices = ["CUDA0"]
require_gpu = true
cpu_level = "haswell"
pin = true
ttl = 60
priority = -3
on_out_of_memory = [{ gpu_layers = 10 }, { ctx_size = 512 }]
"""


def read(folder: Path, text: str) -> list[ModelSettings]:
    file = folder / "models.toml"
    file.write_text(text, encoding="utf-8")
    return read_models_file(file, DEFAULTS)


def test_each_model_has_its_own_settings(tmp_path: Path) -> None:
    small, big = read(tmp_path, WHOLE)
    assert small == ModelSettings(
        path=tmp_path / "sub/small.gguf", name="small", options=DEFAULTS.options, hardware=DEFAULTS.hardware
    )
    assert big == ModelSettings(
        path=Path("/models/big.gguf"),
        name="big:7b",
        options={"ctx_size": 4096, "parallel": 4, "embedding": True},
        hardware={"backends": ["cuda", "vulkan"], "devices": ["CUDA0"], "require_gpu": True, "cpu_level": "haswell"},
        pin=True,
        keep_seconds=60,
        priority=-3,
        on_out_of_memory=({"gpu_layers": 10}, {"ctx_size": 512}),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no models"),
        ("models = 5", "has no models"),
        ("[models.a", "is not TOML"),
        ("[model.a]\npath='a'", r"unknown key 'model'(.|\n)*Did you mean 'models'"),
        ("[models.a]\npaths='a'", r"models.a in (.|\n)*unknown key 'paths'(.|\n)*Did you mean 'path'"),
        ("[models.a]\npin=true", "models.a in .* has no path"),
        ("[models]\na = 5", "is 5, not a table"),
        ("[models.a]\npath=5", r"path of models.a in .* is 5.\nIt must be a file's name"),
        ("[models.a]\npath='a'\npin=1", "pin of models.a in .* is 1"),
        ("[models.a]\npath='a'\nttl=true", "ttl of models.a in .* is True"),
        ("[models.a]\npath='a'\npriority=1.5", "It must be a whole number"),
        ("[models.a]\npath='a'\non_out_of_memory=[1]", "It must be tables of options"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_models_file(tmp_path, DEFAULTS)
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(InputError, match="is not TOML"):
        read_models_file(tmp_path / "latin.toml", DEFAULTS)
