"""The command `llamapack`, as people type it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from llamapack.backends.cpu import cpu_levels

from tests.support.children import command

QUESTION = ("What is 2+2?", "--temp", "0", "-n", "32")
ANSWER = "The answer to this classic math problem is 4.\n"


def test_run_answers_and_ends_with_one_line(model_path: Path) -> None:
    answer = command("run", "--model", model_path, *QUESTION, "-t", "2")
    assert (answer.status, answer.out) == (0, ANSWER)
    best = max(cpu_levels(), key=lambda level: level.score).name
    assert answer.err.startswith(f"[cpu {best}, 2 threads; prompt 37 tokens, ")
    assert answer.err.count("\n") == 1


def test_quiet_leaves_the_line_out(model_path: Path) -> None:
    answer = command("run", "--model", model_path, *QUESTION, "--quiet", "-t", "1")
    assert (answer.out, answer.err) == (ANSWER, "")


def test_the_prompt_can_come_from_standard_input(model_path: Path) -> None:
    answer = command("run", "-q", "--model", model_path, "--temp", "0", "-t", "1", stdin=QUESTION[0].encode())
    assert answer.out == ANSWER


def test_raw_continues_the_prompt(model_path: Path) -> None:
    answer = command("run", "-q", "--raw", "-n", "6", "--temp", "0", "-t", "1", "-m", model_path, "Count: 1, 2, 3,")
    assert answer.out == " 4, 5,\n"


def test_the_level_can_be_named_by_argument_and_by_variable(model_path: Path) -> None:
    lowest = min((level for level in cpu_levels() if level.supported), key=lambda level: level.score).name
    by_argument = command("run", "-m", model_path, *QUESTION, "-n", "2", "-t", "1", "--cpu", lowest)
    by_variable = command("run", "-m", model_path, *QUESTION, "-n", "2", "-t", "1", LLAMAPACK_CPU=lowest)
    assert by_argument.err.startswith(f"[cpu {lowest}, ")
    assert by_variable.err.startswith(f"[cpu {lowest}, ")


def test_an_unknown_level_is_refused_with_the_list(model_path: Path) -> None:
    answer = command("run", "-m", model_path, "--cpu", "pentium", "hi")
    names = ", ".join(level.name for level in cpu_levels() if level.supported)
    assert (answer.status, answer.out) == (4, "")
    assert answer.err == f"llamapack: There is no CPU level 'pentium' (the argument).\nThis processor runs: {names}.\n"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("run", "-m", "missing.gguf", "hi"), 3, "llamapack: There is no file missing.gguf."),
        (("run", "hi"), 2, "Missing option '-m' / '--model'"),
        (("run", "-m", "MODEL", "--top-p", "2", "hi"), 2, "llamapack: top_p must be between 0 and 1, not 2.0."),
        (("run", "-m", "MODEL", "-c", "256", "word " * 300), 2, "tokens do not fit the context of 256 tokens."),
    ],
)
def test_wrong_input_is_one_message_and_a_status(
    model_path: Path, arguments: tuple[str, ...], status: int, message: str
) -> None:
    answer = command(*(str(model_path) if word == "MODEL" else word for word in arguments))
    assert (answer.status, answer.out) == (status, "")
    assert message in answer.err
    assert "Traceback" not in answer.err


# A process in the background ignores SIGINT, and so do its children, unless they say otherwise.
HEED_SIGINT = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("llamapack", run_name="__main__")
"""


def counting(model_path: Path) -> subprocess.Popen[bytes]:
    """Start a long answer."""
    arguments = ["run", "-m", str(model_path), "--raw", "--temp", "0", "-n", "1500", "Count: 1, 2, 3,"]
    return subprocess.Popen(
        [sys.executable, "-c", HEED_SIGINT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent differently there; not verified")
def test_ctrl_c_ends_cleanly(model_path: Path) -> None:
    with counting(model_path) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(8)
        child.send_signal(signal.SIGINT)
        rest, errors = child.stdout.read(), child.stderr.read().decode()
    assert child.returncode == 130
    assert rest.endswith(b"\n")
    assert errors.startswith("[cpu ")
    assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGPIPE there; not verified")
def test_a_closed_pipe_ends_quietly(model_path: Path) -> None:
    with counting(model_path) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(8)
        child.stdout.close()
        errors = child.stderr.read().decode()
    assert (child.returncode, errors) == (141, "")


def test_info_tells_levels_scores_choice_and_threads() -> None:
    answer = command("info", "--json")
    assert answer.status == 0, answer.err
    facts = json.loads(answer.out)
    scores = {level["name"]: level["score"] for level in facts["cpu"]["levels"]}
    assert scores == {level.name: level.score for level in cpu_levels()}
    assert scores[facts["cpu"]["chosen"]] == max(scores.values())
    assert [level["name"] for level in facts["cpu"]["levels"] if level["used"]] == [facts["cpu"]["chosen"]]
    assert all(level["reason"] for level in facts["cpu"]["levels"])
    assert facts["threads"]["count"] <= (os.cpu_count() or 1)


def test_info_for_people_marks_the_level_in_use() -> None:
    answer = command("info")
    best = max(cpu_levels(), key=lambda level: level.score)
    marked = [line.split() for line in answer.out.splitlines() if line.startswith("  *")]
    assert [words[1:3] for words in marked] == [[best.name, str(best.score)]]


def test_the_command_runs_from_any_folder(model_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ein Ordner & 文件夹"
    folder.mkdir()
    (folder / "model.gguf").symlink_to(model_path)
    answer = command("run", "-q", "-m", "model.gguf", *QUESTION, "-t", "1", cwd=folder)
    assert answer.out == ANSWER
