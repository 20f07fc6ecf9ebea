"""Models of a server by name: in its arguments, and in its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from llamapack.errors import InputError, ModelNotFoundError
from llamapack.hub import set_alias
from llamapack.server.models_file import Defaults, read_models_file
from llamapack.server.runners.files import find_models

from tests.support.hub.environment import empty_cache, only_hub
from tests.support.hub.models import model
from tests.support.hub.ollama import put_ollama
from tests.support.hub.standing_in import Hub
from tests.support.reference.made_models import write_model
from tests.support.reference.made_projectors import write_projector

DEFAULTS = Defaults(options={"parallel": 2}, hardware={})


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with a model, and one that sees."""
    empty_cache(tmp_path, monkeypatch)
    with only_hub(monkeypatch) as hub:
        hub.put("org/repo", {"a-Q8_0.gguf": model("a")})
        files = {
            "sees-Q8_0.gguf": write_model(tmp_path / "sees.gguf", "llama").read_bytes(),
            "mmproj-F16.gguf": write_projector(tmp_path / "projector.gguf").read_bytes(),
        }
        hub.put("org/sees", files)
        yield hub


def test_models_are_called_as_their_files_or_names(hub: Hub, tmp_path: Path) -> None:
    set_alias("mine", "hf:org/sees")
    put_ollama(tmp_path / "ollama", "registry.ollama.ai/library/tiny/latest", model=model("b"))
    put_ollama(tmp_path / "ollama", "registry.ollama.ai/library/tiny/1b", model=model("c"))
    found = find_models(["hf:org/repo", "mine", "ollama:tiny", "ollama:tiny:1b", str(tmp_path / "sees.gguf"), "none"])
    assert list(found) == ["a-Q8_0", "mine", "tiny", "tiny:1b", "sees", "none"]
    projectors = {name: each.projector.name for name, each in found.items() if each.projector is not None}
    assert projectors == {"mine": "mmproj-F16.gguf"}
    assert found["none"].path == Path("none")  # is said when it is loaded, as of all paths
    with pytest.raises(InputError, match="Two models are called 'a-Q8_0'"):
        find_models(["hf:org/repo", "hf:org/repo:Q8_0"])
    with pytest.raises(ModelNotFoundError):
        find_models(["hf:org/none"])


def test_names_in_the_file_are_found(hub: Hub, tmp_path: Path) -> None:
    set_alias("mine", "hf:org/repo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/mine").write_bytes(model("d"))
    text = """
models.one = { path = "hf:org/repo:Q8_0" }
models.two = { path = "hf:org/sees" }
models.three = { path = "hf:org/sees", options = { mmproj = "other.gguf" } }
models.four = { path = "mine" }
models.five = { path = "../sees.gguf" }
models.six = { path = "missing" }
"""
    for folder in (tmp_path, tmp_path / "folder"):
        (folder / "models.toml").write_text(text)
    one, two, three, four, five, six = read_models_file(tmp_path / "folder/models.toml", DEFAULTS)
    assert (one.path.name, one.options) == ("a-Q8_0.gguf", {"parallel": 2})
    assert two.options == {"parallel": 2, "mmproj": str(two.path.with_name("mmproj-F16.gguf"))}
    assert three.options == {"parallel": 2, "mmproj": "other.gguf"}
    assert four.path == tmp_path / "folder/mine"
    assert five.path == tmp_path / "folder/../sees.gguf"
    assert six.path == tmp_path / "folder/missing"
    assert read_models_file(tmp_path / "models.toml", DEFAULTS)[3].path == one.path


def test_a_projector_that_does_not_fit_is_left_out(hub: Hub, tmp_path: Path) -> None:
    hub.put("org/sees", {"a.gguf": model("a"), "mmproj.gguf": (tmp_path / "projector.gguf").read_bytes()})
    (found,) = find_models(["hf:org/sees"]).values()
    assert found.projector is None
