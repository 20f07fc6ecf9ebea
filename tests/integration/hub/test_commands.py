"""`llamapack pull`, `list`, `show`, `rm` and `cp`, as people type them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.children import command
from tests.support.hub.models import files_in, model
from tests.support.hub.standing_in import COMMIT, Hub

SMALL, LARGE = model("small"), model("large", more=10)


def test_pull_downloads_and_says_where(hub: Hub, cache: Path) -> None:
    path = cache / "models--org--repo/snapshots" / COMMIT / "a-Q4_K_M.gguf"
    answer = command("pull", "hf:org/repo")
    assert (answer.status, answer.out, answer.err) == (0, f"{path}\n", "")
    assert path.read_bytes() == SMALL
    found = json.loads(command("pull", "hf:org/repo", "--json").out)
    assert found == {
        "reference": "hf:org/repo",
        "parts": [str(path)],
        "size": len(SMALL),
        "projector": None,
        "draft": None,
    }


def test_pull_asks_for_what_is_new_but_not_offline(hub: Hub) -> None:
    command("pull", "hf:org/repo")
    hub.put("org/repo", {"b-Q4_K_M.gguf": model("newer")}, commit="f" * 40)
    assert command("pull", "hf:org/repo", HF_HUB_OFFLINE="1").out.endswith("a-Q4_K_M.gguf\n")
    assert command("pull", "hf:org/repo").out.endswith("b-Q4_K_M.gguf\n")
    answer = command("pull", "hf:org/other", HF_HUB_OFFLINE="1")
    assert (answer.status, answer.out) == (3, "")
    assert "hf:org/other is not in the cache, and no server may be asked." in answer.err


def test_a_token_is_never_shown(hub: Hub) -> None:
    hub.key = "hf_other"
    answer = command("pull", "hf:org/repo", HF_TOKEN="hf_secret")  # noqa: S106
    assert answer.status == 3
    assert "needs a token" in answer.err
    assert "secret" not in answer.out + answer.err
    assert command("pull", "hf:org/repo", HF_TOKEN="hf_other").status == 0  # noqa: S106


def test_names_are_listed_shown_and_removed(hub: Hub, cache: Path) -> None:
    assert command("list").err == "No models yet. Try: llamapack pull hf:org/repo\n"
    command("pull", "hf:org/repo")
    command("pull", "hf:org/repo:Q8_0")
    assert command("cp", "hf:org/repo:Q8_0", "mine").status == 0
    assert command("cp", "hf:org/later", "later").status == 0
    answer = command("list")
    lines = [re.split(r"  +", line.strip()) for line in answer.out.splitlines()]
    day = lines[1][2]
    assert lines == [
        ["model", "size", "downloaded", "names"],
        ["hf:org/repo:Q4_K_M", "18.3 kB", day],
        ["hf:org/repo:Q8_0", "18.3 kB", day, "mine"],
        ["later stands for hf:org/later"],
    ]
    assert answer.err == "2 models, 36.7 kB\n"
    found = json.loads(command("list", "--json").out)
    assert found["names"] == {"later": "hf:org/later", "mine": "hf:org/repo:Q8_0"}
    assert [each["size"] for each in found["models"]] == [len(SMALL), len(LARGE)]
    answer = command("rm", "mine", "hf:org/repo:Q8_0")
    assert answer.out.splitlines() == [
        "The name mine is removed; it stood for hf:org/repo:Q8_0.",
        "Removed hf:org/repo:Q8_0.",
        "18.3 kB are free again.",
    ]
    assert command("rm", "--all", "hf:org/repo").status == 0
    assert files_in(cache) == []
    assert command("rm", "hf:org/repo").status == 3


def test_what_cannot_be_removed_is_an_error_and_the_rest_is_removed(hub: Hub, cache: Path) -> None:
    command("pull", "hf:org/repo")
    command("cp", "hf:org/repo", "mine")
    answer = command("rm", "--all", "mine")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("llamapack: mine is a name, which stands for hf:org/repo.\n")
    answer = command("rm", "nothing", "hf:org/repo", "hf:org/none")
    assert answer.status == 3
    assert answer.err.splitlines()[0] == "llamapack: There is no model and no name nothing here."
    assert "hf:org/none is not on this machine." in answer.err
    assert answer.out.splitlines() == [
        "Removed hf:org/repo:Q4_K_M.",
        "18.3 kB are free again.",
        "The name mine still stands for it: `llamapack rm mine` removes the name.",
    ]
    assert files_in(cache) == []


def test_a_name_of_a_repository_is_listed_with_the_model_that_it_means(hub: Hub) -> None:
    command("pull", "hf:org/repo")
    command("pull", "hf:org/repo:Q8_0")
    command("cp", "hf:org/repo", "mine")
    found = json.loads(command("list", "--json").out)["models"]
    assert [(each["reference"], each["aliases"]) for each in found] == [
        ("hf:org/repo:Q4_K_M", ["mine"]),
        ("hf:org/repo:Q8_0", []),
    ]
    assert re.search(r"^Stands for +hf:org/repo$", command("show", "mine").out, re.MULTILINE)
    assert json.loads(command("show", "mine", "--json").out)["stands_for"] == "hf:org/repo"


@pytest.mark.parametrize("arguments", [("pull", ""), ("cp", "", "mine"), ("show", ""), ("fit", "")])
def test_an_empty_name_is_refused(hub: Hub, arguments: tuple[str, ...]) -> None:
    answer = command(*arguments)
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("llamapack: The name of the model is empty.\n")


def test_a_repository_without_hf_is_taken_for_a_file_and_says_so(hub: Hub) -> None:
    answer = command("pull", "org/repo")
    assert answer.status == 3
    assert answer.err.endswith("Check the path. A model on the hub is named hf:org/repo.\n")


def test_show_says_what_a_model_is(hub: Hub) -> None:
    there = command("show", "hf:org/repo").out
    assert re.search(r"^File +not downloaded$", there, re.MULTILINE)
    assert re.search(r"^Name +small$", there, re.MULTILINE)
    assert hub.downloads() != []
    command("pull", "hf:org/repo")
    here = json.loads(command("show", "hf:org/repo", "--json").out)
    assert (here["name"], here["context"], here["files"]["size"]) == ("small", 64, len(SMALL))
    assert command("show", "hf:org/none").status == 3


def test_a_name_is_not_replaced_unless_told(hub: Hub, tmp_path: Path) -> None:
    command("cp", "hf:org/repo", "mine")
    assert command("cp", "hf:org/repo", "mine").status == 0
    answer = command("cp", "hf:org/other", "mine")
    assert (answer.status, answer.err) == (
        2,
        "llamapack: mine stands for hf:org/repo already.\nChoose another name, or give --force.\n",
    )
    assert command("cp", "--force", "hf:org/other", "mine").status == 0
    assert command("cp", "mine", "yours").status == 0
    assert json.loads(command("list", "--json").out)["names"] == {"mine": "hf:org/other", "yours": "hf:org/other"}
    assert command("cp", "hf:org/repo", "a/b").status == 2
    assert command("cp", "none", "mine").status == 2


BASH = """
eval "$(_LLAMAPACK_COMPLETE=bash_source llamapack)"
compopt() { echo "compopt -o $2"; }
COMP_WORDS=(WORDS)
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_llamapack_completion llamapack
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("llamapack li", ["list"]),
        ("llamapack show h", ["hf:org/repo:Q4_K_M"]),
        ("llamapack show hf :", ["org/repo:Q4_K_M"]),
        ("llamapack show hf : org", ["org/repo:Q4_K_M"]),
        ("llamapack show hf : org/repo : Q4", ["Q4_K_M"]),
        ("llamapack run -m m", ["mine"]),
        ("llamapack rm hf : org/repo : Q4_K_M ''", ["mine", "hf:org/repo:Q4_K_M"]),
        ("llamapack serve x", [""]),
        ("llamapack cp hf : org/repo mi", ["mine"]),
    ],
)
def test_bash_completes_names(hub: Hub, tmp_path: Path, words: str, expected: list[str]) -> None:
    command("pull", "hf:org/repo")
    command("cp", "hf:org/repo", "mine")
    program = tmp_path / "bin/llamapack"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m llamapack "$@"\n')
    program.chmod(0o755)
    variables = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    script = BASH.replace("(WORDS)", f"({words})")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=variables, check=True)
    lines = done.stdout.splitlines()
    assert [line for line in lines if not line.startswith("compopt")] == expected
    assert ("compopt -o default" in lines) == (words not in ("llamapack li", "llamapack cp hf : org/repo mi"))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_a_terminal_shows_a_bar(hub: Hub) -> None:
    import pty

    hub.put("org/big", {"a-Q8_0.gguf": model("big", more=3_000_000)})
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["COLUMNS"] = "100"
        os.execv(sys.executable, [sys.executable, "-m", "llamapack", "pull", "hf:org/big"])  # noqa: S606
    shown = b""
    try:
        while data := os.read(terminal, 1 << 16):
            shown += data
    except OSError:  # Linux says so that the other side has ended
        pass
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    text = shown.decode()
    assert "a-Q8_0.gguf" in text
    assert "3.0/3.0 MB" in text
    assert text.rstrip().endswith("a-Q8_0.gguf")
