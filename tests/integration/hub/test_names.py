"""Models by name, loaded: from a hub, from Ollama's folder, from an address, and from the user's list."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from llamapack import Llama, gguf
from llamapack.errors import InputError, ModelFormatError, ModelNotFoundError
from llamapack.fitting import fit
from llamapack.hub import set_alias

from tests.support.children import command
from tests.support.hub.models import model
from tests.support.hub.ollama import put_ollama
from tests.support.hub.standing_in import Hub, sha256
from tests.support.reference.made_models import write_model
from tests.support.reference.made_projectors import write_projector
from tests.support.server.serving import Served

OPTIONS: dict[str, Any] = {"ctx_size": 64, "parallel": 1, "threads": 1}
COMMAND = ("--temp", "0", "-n", "4", "-t", "1", "-c", "64", "--raw")


def name_of(reference: str | Path, **options: Any) -> str:
    """Load a model, let it write, and return the name of its file."""
    with Llama(reference, **OPTIONS, **options) as llm:
        assert llm.complete("a", max_tokens=2, ignore_eos=True).usage.completion == 2
        return llm.explain().model


def test_a_model_of_the_hub_is_loaded_and_stays(hub: Hub) -> None:
    assert name_of("hf:org/repo") == "a-Q4_K_M.gguf"
    assert name_of("hf:org/repo:Q8_0") == "a-Q8_0.gguf"
    asked = len(hub.asked)
    assert name_of("hf:org/repo") == "a-Q4_K_M.gguf"
    assert name_of("hf:org/repo/a-Q8_0.gguf", offline=True) == "a-Q8_0.gguf"
    assert name_of("hf:org/repo", isolate=True) == "a-Q4_K_M.gguf"
    assert len(hub.asked) == asked


def test_a_newer_model_is_loaded_if_the_hub_is_to_be_asked(hub: Hub) -> None:
    assert name_of("hf:org/repo") == "a-Q4_K_M.gguf"
    hub.put("org/repo", {"b-Q4_K_M.gguf": model("newer")}, commit="f" * 40)
    assert name_of("hf:org/repo") == "a-Q4_K_M.gguf"
    assert name_of("hf:org/repo", offline=False) == "b-Q4_K_M.gguf"


def test_nothing_is_asked_offline(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelNotFoundError, match="not in the cache"):
        Llama("hf:org/repo", offline=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelNotFoundError, match="not in the cache"):
        Llama("hf:org/repo")
    assert hub.asked == []


def test_other_names_are_loaded(hub: Hub, tmp_path: Path) -> None:
    put_ollama(tmp_path / "ollama", "registry.ollama.ai/library/tiny/latest", model=model("of Ollama"))
    hub.blobs["a.gguf"] = model("of an address")
    set_alias("mine", "hf:org/repo:Q8_0")
    assert name_of("ollama:tiny") == f"sha256-{sha256(model('of Ollama'))}"
    assert name_of(f"{hub.files_address}/a.gguf#sha256={sha256(model('of an address'))}") == "a.gguf"
    assert name_of("mine") == "a-Q8_0.gguf"


def test_a_file_is_meant_before_any_name(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").write_bytes(model("a file"))
    set_alias("mine", "hf:org/repo")
    assert name_of("mine") == "mine"
    assert name_of(Path("mine")) == "mine"
    with pytest.raises(ModelNotFoundError, match=r"There is no file hf:org/repo"):
        Llama(Path("hf:org/repo"))
    assert hub.asked == []


@pytest.mark.parametrize(
    "options",
    [{"ctxsize": 1}, {"ctx_size": "many"}, {"task": "none"}, {"offline": 1}, {"on_overflow": "none"}, {"isolate": 1}],
)
def test_wrong_options_are_found_before_a_download(hub: Hub, options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Llama("hf:org/repo", **options)
    assert hub.asked == []


def test_what_cannot_be_loaded_is_not_downloaded(hub: Hub) -> None:
    hub.put("org/repo", {"a-Q4_K_M.gguf": b"<html>" + bytes(1000)})
    with pytest.raises(ModelFormatError, match="not a GGUF file"):
        Llama("hf:org/repo")


@pytest.fixture
def seeing(hub: Hub, tmp_path: Path) -> Hub:
    """A hub with a model that sees, and its projector."""
    files = {
        "a-Q8_0.gguf": write_model(tmp_path / "model.gguf", "llama").read_bytes(),
        "mmproj-F16.gguf": write_projector(tmp_path / "projector.gguf").read_bytes(),
    }
    hub.put("org/sees", files)
    put_ollama(
        tmp_path / "ollama",
        "registry.ollama.ai/library/sees/latest",
        model=files["a-Q8_0.gguf"],
        projector=files["mmproj-F16.gguf"],
    )
    return hub


@pytest.mark.parametrize("reference", ["hf:org/sees", "ollama:sees"])
def test_a_projector_comes_with_its_model(seeing: Hub, reference: str) -> None:
    with Llama(reference, **OPTIONS) as llm:
        assert "it came with the model" in llm.explain().projector
    with Llama(reference, projector=False, **OPTIONS) as llm:
        assert "projector=False" in llm.explain().projector


def test_a_draft_may_be_named(hub: Hub) -> None:
    options = {"spec_draft_model": "hf:org/repo:Q4_K_M", "spec_type": "draft-simple"}
    assert name_of("hf:org/repo:Q8_0", **options) == "a-Q8_0.gguf"


def test_fit_takes_names(hub: Hub) -> None:
    found = fit("hf:org/repo", ctx_size=64, cache_types=["f16"], threads=1)
    assert found.best is not None
    assert found.size == len(model("small"))


def test_commands_take_names(hub: Hub) -> None:
    answer = command("run", "-m", "hf:org/repo", "-q", *COMMAND, "a")
    assert (answer.status, answer.err) == (0, "")
    assert command("run", "-m", "hf:org/repo/a-Q4_K_M.gguf", "-q", *COMMAND, "a").out == answer.out
    assert command("tokenize", "-m", "hf:org/repo", "--count", "a").out == "1\n"
    assert json.loads(command("inspect", "hf:org/repo", "--json").out)["metadata"]["general.name"]["value"] == "small"
    assert json.loads(command("fit", "hf:org/repo", "--json", "-c", "64", "--cache-type", "f16").out)["best"]
    perplexity = command("perplexity", "-m", "hf:org/repo", "-c", "32", "-t", "1", "--json", stdin=b"words " * 200)
    assert (perplexity.status, perplexity.err) == (0, "")


def test_a_model_is_quantized_by_name(hub: Hub, tmp_path: Path) -> None:
    answer = command("quantize", "hf:org/repo", tmp_path / "out.gguf", "COPY", "-t", "1")
    assert answer.status == 0, answer.err
    assert gguf.read(tmp_path / "out.gguf").metadata["general.name"] == "small"


def test_commands_say_what_is_wrong_with_a_name(hub: Hub) -> None:
    hub.put("org/two", {"a-Q8_0.gguf": model("a"), "b-Q8_0.gguf": model("b")})
    several = command("run", "-m", "hf:org/two", "a")
    assert several.status == 3
    assert "hf:org/two/b-Q8_0.gguf (18.3 kB)" in several.err
    assert command("tokenize", "-m", "hf:org", "a").status == 2
    assert command("inspect", "hf:org/none").status == 3
    wrong = command("run", "-m", "hf:org/none", "--gpu-layers", "some", "a")
    assert (wrong.status, "--gpu-layers" in wrong.err) == (2, True)


def test_a_server_takes_names(hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text('[models.large]\npath = "hf:org/repo:Q8_0"\n')
    served = Served(None, "hf:org/repo", "--models", str(file), "-c", "64", "-t", "1", wait=False)
    try:
        listed = served.ask("GET", "/v1/models")[1]
        assert [each["id"] for each in listed["data"]] == ["a-Q4_K_M", "large"]
        asked = {"prompt": "a", "max_tokens": 2, "model": "large", "ignore_eos": True}
        status, answer, _ = served.ask("POST", "/v1/completions", asked)
        assert (status, answer["usage"]["completion_tokens"]) == (200, 2)
    finally:
        served.kill()
    assert len({each.path for each in hub.downloads()}) == 2


PATHS_ONLY = """
import sys, llamapack
llamapack.Llama(sys.argv[1], ctx_size=64, parallel=1, threads=1).close()
print(sorted(name for name in sys.modules if name.startswith(("llamapack.hub", "urllib.request"))))
"""


def test_a_path_imports_nothing_for_names(tiny: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PATHS_ONLY, tiny], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
