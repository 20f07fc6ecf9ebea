"""The `python` of a simulated runner: runs what it is given, but for the commands in STAND_INS.

These cannot run in a test: they need a network, hours, a model, another system, or the identity of a workflow. Each
stand-in checks what it is called with, and leaves the files that the real one leaves. The page
docs/development/workflows.md lists them.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

Words = Sequence[str]


def installed(words: Words) -> None:
    """pip: the lists must be there."""
    lists = [Path(word) for before, word in itertools.pairwise(words) if before == "--requirement"]
    assert lists, words
    assert [path for path in lists if not path.is_file()] == []


def made_environment(words: Words) -> None:
    """venv: the folder must be the runner's."""
    assert words[-1] == f"{os.environ['RUNNER_TEMP']}/python"


def session(words: Words) -> None:
    """nox: the sessions must be there, and what they are told must be a build where it stands for one."""
    from tests.support.import_graph import nox_sessions  # late, as in all stand-ins: most calls need none of it
    from tools.matrix import load_matrix
    from tools.paths import ROOT

    names = words[3 : words.index("--")] if "--" in words else words[3:]
    if words[2] == "-s":
        unknown = set(names) - nox_sessions(ROOT / "noxfile.py")
        assert not unknown, unknown
    if names == ["audit"]:
        load_matrix().cell(words[-1])


def built(words: Words) -> None:
    """nox -s release: small files of the same names, that pass the gates."""
    from tests.support.release.complete import write_sdist, write_wheel
    from tools.matrix import load_matrix
    from tools.paths import Checkout
    from tools.release.gates.source import released_backends, version_of

    here = Checkout(root=Path.cwd())
    told = words[words.index("--") + 1 :]
    tag = os.environ["GITHUB_REF_NAME"]
    version = version_of(here, tag)
    if told[0] == "sdists":
        assert told[1:] == [tag]
        for backend in released_backends(here, version):
            Path("dist").mkdir(exist_ok=True)
            write_sdist(Path("dist"), backend, version)
    else:
        write_wheel(Path("dist"), load_matrix().cell(told[0]), version)


def tried(words: Words) -> None:
    """inv release.try: the wheels must be there."""
    assert list(Path(words[-1]).glob("llamapack*.whl")), words


def signed(words: Words) -> None:
    """inv release.attest: an attestation beside each file, as pypi-attestations leaves it."""
    for path in sorted(Path(words[-1]).iterdir()):
        path.with_name(f"{path.name}.publish.attestation").write_text("{}", encoding="utf-8")


def measured(words: Words) -> None:
    """inv update.measure: a table at the end of the report."""
    with (Path(words[-1]) / "report.md").open("a", encoding="utf-8") as file:
        file.write("\n| what | tokens/s |\n| --- | --- |\n")


STAND_INS: Sequence[tuple[str, str, Callable[[Words], None]]] = (
    (r"-m venv .*", "python3 -m venv", made_environment),
    (r"-m pip install .*", "pip install", installed),
    (r"-m nox -s release -- .*", "nox -s release", built),
    (r"-m nox -s plan-rows .*", "", installed),
    (r"-m nox -s (.*)", "nox -s", session),
    (r"-m nox -t gen", "nox -t gen", session),
    (r"-m invoke release\.try .*", "inv release.try", tried),
    (r"-m invoke release\.attest .*", "inv release.attest", signed),
    (r"-m invoke update\.measure .*", "inv update.measure", measured),
)
"""A pattern of the words, what the list of stand-ins calls them, and the stand-in; without a name, they are run."""


def main(words: list[str]) -> None:
    """Record the call, and run it or its stand-in."""
    line = " ".join(words)
    kind, stand_in = next(
        ((kind, each) for pattern, kind, each in STAND_INS if re.fullmatch(pattern, line)), ("", installed)
    )
    with Path(os.environ["RUNNER_CALLS"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"words": words, "how": "stand-in" if kind else "run", "kind": kind}) + "\n")
    if kind:
        stand_in(words)
        return
    index = os.environ.get("RUNNER_INDEX", "none")
    if "release.check" in words and "--dist" in words:
        words += ["--index", f"{index}/simple/"]
    if "release.publish" in words:
        words += ["--index", f"{index}/simple/", "--upload", f"{index}/legacy/"]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    os.execve(sys.executable, [sys.executable, *words], variables)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
