"""Install the peers that `nox -s bench -- engine` compares with: other Python packages that run llama.cpp."""

from __future__ import annotations

import logging
import shlex
from dataclasses import replace
from pathlib import Path

from tools.building.build import build_environment
from tools.building.wheels import host_build
from tools.paths import BUILD, REQUIREMENTS
from tools.toolkits.toolkit import Kit
from tools.util import stamps
from tools.util.cmd import Argument, run_logged
from tools.util.disk import require_space
from tools.util.venv import ensure_environment, pip_variables

log = logging.getLogger(f"llamapack.{__name__}")

FOLDER = BUILD / "bench-peers"
REQUIRED = REQUIREMENTS / "peers.txt"


def peers() -> Path:
    """Return the interpreter of the environment with the peers.

    llama-cpp-python has no wheel there, and is built for this processor, with the build tools of requirements/build.txt
    and not with those of the day.
    """
    build = replace(host_build(), kit=Kit(inputs={}, defines={}))
    environment = ensure_environment(["build"], folder=FOLDER)
    stamp = FOLDER / "peers-stamp.json"
    key = {"packages": stamps.file_digest(REQUIRED), "compiler": build.toolchain.identity}
    if stamps.changed(stamp, key):
        log.info("Installing the peers; building llama-cpp-python takes some minutes")
        require_space(BUILD, 1024, purpose="building llama-cpp-python")
        tools = build_environment(build)
        flags = shlex.join(f"-D{name}={value}" for name, value in tools.defines.items())
        variables = {**pip_variables(), **tools.settings, "CMAKE_ARGS": flags}
        variables["PATH"] = f"{environment.programs}:{variables['PATH']}"
        pip: list[Argument] = [environment.python, "-m", "pip", "install", "--require-hashes", "--no-deps"]
        pip += ["--no-build-isolation", "--requirement", REQUIRED]
        run_logged(pip, log_file=BUILD / "peers.log", what="The peers could not be installed", env=variables)
        stamps.write(stamp, key)
    return environment.python
