"""Download one file of a package with pip, from whatever index it is set to, and only with the hash that is pinned."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tools.errors import ToolError
from tools.util.cmd import Argument, run_live
from tools.util.venv import NETWORK, ensure_environment, pip_variables

Kind = Literal["sdist", "wheel"]
_ENDING = {"sdist": "*.tar.gz", "wheel": "*.whl"}
_MISMATCH = "DO NOT MATCH THE HASHES"
_ERROR = re.compile(r"^\S+\s+ERROR: (.*)$", re.MULTILINE)


def download(requirement: str, sha256: str, into: Path, *, kind: Kind, what: str) -> Path:
    """Put the source distribution or the wheel of `requirement` (NAME==VERSION) into the empty folder `into`.

    pip checks the hash before it opens the file. `what` begins the message of an error: "The model x".
    """
    asked, log_file = into / "requirements.txt", into / "pip.log"
    asked.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    arguments: list[Argument] = [_python_with_pip(), "-m", "pip", "download", "--no-deps", "--require-hashes"]
    arguments += [*_only(kind, requirement), "--log", log_file, "--dest", into, "--requirement", asked]
    try:
        run_live(arguments, what=f"{what} could not be downloaded", fix=NETWORK, env=pip_variables())
    except ToolError as error:
        raise _explained(error, log_file, requirement, sha256, what) from error
    found = sorted(into.glob(_ENDING[kind]))
    if len(found) != 1:
        raise ToolError(f"{what} could not be downloaded.", why=f"pip brought no {kind} of {requirement}.", fix=NETWORK)
    return found[0]


def refused(what: str, why: str) -> ToolError:
    """Return the error for a file that is not the one that was pinned."""
    return ToolError(
        f"{what} is not the file that was pinned; it was thrown away.",
        why=why,
        fix="Clear pip's cache (python -m pip cache purge) and check the index or mirror that pip uses "
        "(python -m pip config list). If they are right, someone changed that file: do not use it.",
    )


def _only(kind: Kind, requirement: str) -> Sequence[str]:
    # ":all:" would build the build tools of the source distribution from source, too.
    return ("--no-binary", requirement.partition("==")[0]) if kind == "sdist" else ("--only-binary", ":all:")


def _python_with_pip() -> Path:
    """Return an interpreter with pip: this one, or the build environment's if this one has none."""
    if importlib.util.find_spec("pip"):
        return Path(sys.executable)
    return ensure_environment().python


def _explained(error: ToolError, log_file: Path, requirement: str, sha256: str, what: str) -> ToolError:
    said = log_file.read_text(encoding="utf-8", errors="replace") if log_file.exists() else ""
    if _MISMATCH in said:
        return refused(requirement, f"Expected the SHA-256 {sha256}.")
    if "No space left on device" in said:
        return ToolError(f"The disk is full: {what} could not be downloaded.", fix="Free some space; run it again.")
    reasons = "\n".join(dict.fromkeys(_ERROR.findall(said)))
    return ToolError(error.what, why=reasons[-1500:] or error.why, fix=error.fix)
