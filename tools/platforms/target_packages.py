"""Install packages for another Python than one that runs here: pip chooses and unpacks them without running them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.paths import REQUIREMENTS
from tools.util.cmd import run_live
from tools.util.venv import NETWORK, ensure_environment, pip_variables


def install_for(
    into: Path, version: str, platforms: Sequence[str], names: Sequence[str], wheels: Sequence[Path] = ()
) -> None:
    """Install the packages of requirements/NAME.txt for each of `names`, and `wheels`, into the folder `into`.

    They are for Python `version`, such as 3.13, and for `platforms`, by the tags of wheels. Markers in the files are
    read as on this machine.
    """
    python = ensure_environment(["build"]).python
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", into]
    pip += ["--python-version", version, "--only-binary", ":all:"]
    pip += [word for platform in platforms for word in ("--platform", platform)]
    for name in names:
        what = f"The packages of requirements/{name}.txt could not be installed for {platforms[0]}"
        file = REQUIREMENTS / f"{name}.txt"
        run_live([*pip, "--require-hashes", "--requirement", file], what=what, fix=NETWORK, env=pip_variables())
    for wheel in wheels:
        what = f"{wheel.name} could not be installed for {platforms[0]}"
        run_live([*pip, "--no-index", wheel], what=what, env=pip_variables())
