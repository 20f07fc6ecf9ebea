"""Build llama.cpp's own server for this machine's processor, from the pinned source without our patches.

It is what someone would build by hand, with llama.cpp's defaults: `nox -s bench -- engine` compares with it.
"""

from __future__ import annotations

import logging
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tools.building.build import Build, build_environment
from tools.building.wheels import host_build
from tools.git.repository import Git
from tools.paths import BUILD, TRACKING
from tools.toolkits.toolkit import Kit
from tools.util import stamps
from tools.util.cmd import run_logged
from tools.util.disk import require_space
from tools.util.files import remove_tree
from tools.vendoring.source.tracking import BASE

log = logging.getLogger(f"llamapack.{__name__}")

FOLDER = BUILD / "native-server"
DEFINES: Mapping[str, str] = {
    "CMAKE_BUILD_TYPE": "Release",
    "GGML_NATIVE": "ON",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_UI": "OFF",
    "LLAMA_OPENSSL": "OFF",
    "LLAMA_USE_PREBUILT_UI": "OFF",
}
"""All else is llama.cpp's default, such as OpenMP; the page and TLS would be downloads, and are not measured."""


def native_server() -> Path:
    """Return the program; it is built if the source or the compiler has changed."""
    build = replace(host_build(), kit=Kit(inputs={}, defines={}))
    git = Git.at(TRACKING)
    program = FOLDER / "build" / "bin" / ("llama-server.exe" if sys.platform == "win32" else "llama-server")
    key = {"source": git.require_id(f"{BASE}^{{tree}}"), "compiler": build.toolchain.identity}
    stamp = FOLDER / "llamapack-stamp.json"
    if stamps.changed(stamp, key) or not program.exists():
        log.info("Building llama-server for this processor; this takes some minutes")
        require_space(BUILD, 1024, purpose="building llama-server")
        remove_tree(FOLDER)
        _build(build, git)
        stamps.write(stamp, key)
    return program


def _build(build: Build, git: Git) -> None:
    source, folder = FOLDER / "source", FOLDER / "build"
    source.mkdir(parents=True)
    archive = FOLDER / "source.tar"
    git.run("archive", "--format=tar", f"--output={archive}", BASE)
    with tarfile.open(archive) as packed:
        packed.extractall(source, filter="data")
    archive.unlink()
    environment = build_environment(build)
    cmake = [str(environment.venv.python), "-m", "cmake"]
    defines = {**DEFINES, **environment.defines}
    configure = ["-G", "Ninja", "-S", str(source), "-B", str(folder)]
    configure += [f"-D{name}={value}" for name, value in defines.items()]
    what, log_file, env = "llama-server could not be built", FOLDER / "build.log", environment.variables
    run_logged([*cmake, *configure], log_file=log_file, what=what, env=env)
    run_logged([*cmake, "--build", str(folder), "--target", "llama-server"], log_file=log_file, what=what, env=env)
