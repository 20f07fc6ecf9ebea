"""Attestations of a release: who published which bytes, signed in the publishing workflow and verified by anyone.

The form is that of PEP 740. A signature is made with a key that lives for minutes, by an identity that the workflow's
platform vouches for; a public log keeps that it was made. So there is no key to keep, and none to lose.
Both is done by PyPI's own program, pypi-attestations, in an environment of its own.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError, UnavailableError
from tools.paths import BUILD
from tools.util.cmd import run
from tools.util.venv import Environment, ensure_environment

log = logging.getLogger(f"llamapack.{__name__}")

ENDING = ".publish.attestation"
REQUIREMENT = "attestations"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A workflow, as a signature names it."""

    repository: str
    """Its address, such as https://github.com/OWNER/NAME."""
    workflow: str
    """The file, such as release.yml."""
    ref: str
    """What it ran for, such as refs/tags/v1.0.0."""

    def __str__(self) -> str:
        """Return it as certificates and the program have it."""
        return f"{self.repository}/.github/workflows/{self.workflow}@{self.ref}"


def ensure_program() -> Environment:
    """Return the environment that has pypi-attestations."""
    return ensure_environment([REQUIREMENT], folder=BUILD / "attestations")


def attestation_of(file: Path) -> Path:
    """Return the attestation's path beside a wheel or sdist."""
    return file.with_name(f"{file.name}{ENDING}")


def sign(files: Sequence[Path]) -> list[Path]:
    """Sign wheels and sdists as the workflow that this runs in, and return the attestations, which lie beside them.

    Raises UnavailableError where nobody vouches for an identity: outside a workflow, or in one without the permission
    `id-token: write`.
    """
    if present := [path.name for path in map(attestation_of, files) if path.exists()]:
        raise ToolError(
            f"There is an attestation already: {', '.join(present)}.",
            why="It may be of other bytes.",
            fix="Remove it, and sign the files again.",
        )
    program = ensure_program().python
    done = run([program, "-m", "pypi_attestations", "sign", *files], check=False)
    made = [path for path in map(attestation_of, files) if path.exists()]
    if done.returncode == 0 and len(made) == len(files):
        return made
    for path in made:
        path.unlink()
    said = f"{done.stdout}{done.stderr}".strip()
    if "ambient" in said or "identity" in said.lower():
        raise UnavailableError(
            "Nothing here vouches for who signs.",
            why=said.splitlines()[-1] if said else "",
            fix="Sign in the workflow release.yml, in a job with the permission `id-token: write`.",
        )
    raise ToolError(f"{', '.join(path.name for path in files)} could not be signed.", why=said)


def verify(files: Sequence[Path], identity: Identity | str, *, offline: bool = False) -> None:
    """Verify that `identity` signed each of `files`, whose attestations lie beside them.

    With `offline` the keys that came with the program are used, and no newer ones are asked for. Raises ToolError for a
    missing attestation, and for one of another identity or of other bytes.
    """
    if missing := [file.name for file in files if not attestation_of(file).is_file()]:
        raise ToolError(f"{', '.join(missing)} has no attestation.", fix="Get the file NAME.publish.attestation too.")
    words = ["verify", "attestation", "--identity", str(identity), *(["--offline"] if offline else [])]
    for file in files:
        done = run([ensure_program().python, "-m", "pypi_attestations", *words, file], check=False)
        if done.returncode:
            said = re.findall(r"Verification failed: (.+)", done.stderr)
            raise ToolError(
                f"{file.name} is not what {identity} signed.",
                why=said[-1] if said else done.stderr.strip(),
                fix="Do not use it. Download it again, and compare the name of the workflow.",
            )
        log.info(f"{file.name}: signed by {identity}")
