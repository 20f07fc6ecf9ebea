"""`llamapack run` with images and audio, and what `inspect` and `doctor` say of projectors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.children import command
from tests.support.gguf.files import bpe_vocabulary
from tests.support.llama.media_files import noise, saved, tone, wav
from tests.support.reference.made_models import write_model
from tests.support.reference.made_projectors import write_projector


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("seeing") / "model.gguf", "llama", vocabulary=bpe_vocabulary())


@pytest.fixture(scope="module")
def image(model: Path) -> Path:
    path = model.with_name("cat.png")
    path.write_bytes(saved(noise(), "PNG"))
    return path


RUN = ("--raw", "-n", "2", "--temp", "0", "-t", "1", "-c", "256", "a")


def test_image_is_answered_with_the_projector_beside_the_model(model: Path, image: Path) -> None:
    projector = write_projector(model.with_name("mmproj.gguf"))
    try:
        answer = command("run", "--model", model, "--image", image, *RUN)
    finally:
        projector.unlink()
    assert answer.status == 0, answer.err
    line = r"\[cpu \w+; projector mmproj\.gguf for images on CPU: it is beside the model; prompt \d+ tokens; gener.*\]"
    assert re.fullmatch(line, answer.err.strip())


def test_audio_is_answered_with_the_projector_that_is_named(model: Path, tmp_path: Path) -> None:
    projector = write_projector(tmp_path / "ears.gguf", "ultravox")
    audio = tmp_path / "tone.wav"
    audio.write_bytes(wav(tone()))
    answer = command("run", "--model", model, "--projector", projector, "--audio", audio, "--quiet", *RUN)
    assert (answer.status, answer.err) == (0, "")


def test_errors_are_messages(model: Path, image: Path, tmp_path: Path) -> None:
    answer = command("run", "--model", model, "--image", image, *RUN)
    assert answer.status == 2
    assert answer.err.splitlines()[:2] == [
        "llamapack: model.gguf was loaded without a projector, and takes no images.",
        "None is used, because: no file with mmproj in its name is beside the model.",
    ]
    answer = command("run", "--model", model, "--image", tmp_path / "none.png", *RUN)
    assert answer.status == 2
    assert f"{tmp_path / 'none.png'} cannot be read." in answer.err


def test_inspect_says_what_a_projector_takes(model: Path, tmp_path: Path) -> None:
    fitting, other = write_projector(tmp_path / "fits.gguf"), write_projector(tmp_path / "other.gguf", width=48)
    answer = command("inspect", fitting, "--for", model)
    assert answer.out.splitlines()[-2:] == [
        "Projector for vision: type mlp, embedding width 64, images of 32 x 32 pixels, patches of 16 x 16, "
        "4 tokens for an image",
        f"It fits {model}.",
    ]
    found = json.loads(command("inspect", "--json", other, "--for", model).out)["projector"]
    assert found["fits"] is False
    assert found["why"] == "It makes embeddings of width 48, but those of the model have 64."
    assert "projector" not in json.loads(command("inspect", "--json", model).out)


def test_doctor_says_which_projector_a_model_has(model: Path, tmp_path: Path) -> None:
    other = write_projector(tmp_path / "other.gguf", width=48)
    found = json.loads(command("doctor", "--json", "--model", model, "--projector", other).out)
    assert {"what", "why", "fix"} == set(found["problems"][-1])
    assert found["problems"][-1]["why"] == "It makes embeddings of width 48, but those of the model have 64."
    assert found["status"] == "degraded"
    fitting = write_projector(tmp_path / "fits.gguf")
    found = json.loads(command("doctor", "--json", "--model", model, "--projector", fitting).out)["projector"]
    assert (found["file"], found["reason"], found["takes"][0]["tokens"]) == (str(fitting), "it was given", 4)
    assert "The projector of " in command("doctor", "--model", model).out
