"""In a Debian whose Python is too old for the wheel, its libraries do for a C program what they do here."""

from __future__ import annotations

import json
import shlex
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.support.given import given
from tests.support.greedy import PROMPT, TEXT, TOKENS
from tests.support.programs.making import Libraries, libraries_in, native_program, said
from tools.platforms.distributions import OWN, Place, inside
from tools.util.files import remove_tree

SESSION = "nox -s distributions, or nox -s test-cpu"
REQUEST = json.dumps({"messages": [{"role": "user", "content": "Grüße, 世界"}]})


def output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=1800)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def libraries(place: Place, wheel: Path) -> Libraries:
    """The wheel's libraries, where the release has them as /place/wheel/llamapack/lib."""
    remove_tree(place.own / "wheel")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place.own / "wheel")
    return libraries_in(place.own / "wheel" / "llamapack" / "lib")


@pytest.fixture(scope="module")
def program(place: Place, libraries: Libraries) -> Path:
    """native.c, compiled for the same floor as the libraries."""
    compiler = [*shlex.split(given("LLAMAPACK_TEST_CC", SESSION)), "-D_GNU_SOURCE", "-ldl"]
    return native_program(compiler, libraries, place.own / "native")


def both(place: Place, program: Path, libraries: Libraries, *words: str, model: Path) -> list[dict[str, str]]:
    """Return what the program says in the release, and what it says here."""
    folder = f"{OWN}/{libraries.folder.relative_to(place.own)}"
    there = [inside(model) if word == "MODEL" else word for word in words]
    here = [str(model) if word == "MODEL" else word for word in words]
    return [
        said(output(place.command(f"{OWN}/{program.name}", folder, *there, files=(model,)))),
        said(output([str(program), str(libraries.folder), *here])),
    ]


def test_it_is_that_release_and_its_c_library_is_older(place: Place) -> None:
    assert f"VERSION_CODENAME={given('LLAMAPACK_TEST_SUITE', SESSION)}\n" in output(
        place.command("cat", "/etc/os-release")
    )
    version = output(place.command("ldd", "--version")).splitlines()[0].split()[-1]
    assert tuple(map(int, version.split("."))) < (2, 34)


def test_scores_of_the_levels_are_those_of_this_machine(
    place: Place, program: Path, libraries: Libraries, model: Path
) -> None:
    found, expected = both(place, program, libraries, "levels", model=model)
    assert found == expected
    assert set(found) == {*libraries.levels, "best"}
    assert found["best"] == max(libraries.levels, key=lambda level: int(found[level]))


@pytest.mark.parametrize("level", ["best", "x64"])
def test_a_level_generates(place: Place, program: Path, libraries: Libraries, model: Path, level: str) -> None:
    words = ("generate", level, "MODEL", str(TOKENS), PROMPT)
    found, expected = both(place, program, libraries, *words, model=model)
    assert found == expected
    assert found["text"] == TEXT


def test_a_chat_is_rendered(place: Place, program: Path, libraries: Libraries, model: Path) -> None:
    found, expected = both(place, program, libraries, "chat", "MODEL", REQUEST, model=model)
    assert found == expected
    assert "Grüße, 世界" in json.loads(found["response"])["prompt"]
