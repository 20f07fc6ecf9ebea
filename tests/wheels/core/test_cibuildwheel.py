"""What cibuildwheel would build of the core package is what the matrix says, in name, floor and options."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import tomllib

from tools.matrix import load_matrix
from tools.matrix.ci_rows import build_identifiers, cibuildwheel_archs
from tools.paths import CORE

MATRIX = load_matrix()
OPTIONS = tomllib.loads((CORE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["cibuildwheel"]


def printed(platform: str, archs: str) -> list[str]:
    words = ["--print-build-identifiers", "--platform", platform, "--archs", archs, str(CORE)]
    done = subprocess.run(
        [sys.executable, "-m", "cibuildwheel", *words], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("system", ["linux", "windows", "macos"])
def test_identifiers_are_those_of_the_matrix(system: str) -> None:
    archs = cibuildwheel_archs(MATRIX, system)
    assert sorted(printed(system, ",".join(archs))) == sorted(build_identifiers(MATRIX, system))


def test_every_target_of_the_cpu_has_an_identifier() -> None:
    found = [name for system in ("linux", "windows", "macos") for name in build_identifiers(MATRIX, system)]
    assert len(found) == len(set(found)) == len(MATRIX.backend("cpu").targets)


def test_images_promise_the_floor_of_the_matrix() -> None:
    image = f"manylinux_{MATRIX.toolchains['glibc'].version.replace('.', '_')}"
    machines = cibuildwheel_archs(MATRIX, "linux")
    assert OPTIONS["linux"] == {f"manylinux-{machine}-image": image for machine in machines}
    tags = [MATRIX.wheel_tag(target) for target in MATRIX.backend("cpu").targets if target.startswith("linux")]
    assert sorted(tags) == sorted(f"{image}_{machine}" for machine in machines)


def test_macos_is_built_for_the_floor_of_the_matrix() -> None:
    floor = MATRIX.toolchains["macos"].version
    assert OPTIONS["macos"]["environment"] == {"MACOSX_DEPLOYMENT_TARGET": floor}


def test_one_python_builds_for_all_and_it_is_the_newest_of_the_matrix() -> None:
    newest = f"cp{MATRIX.wheel_pythons[-1].replace('.', '')}"
    assert OPTIONS["build"] == f"{newest}-*"
    names = [name for system in ("linux", "windows", "macos") for name in build_identifiers(MATRIX, system)]
    assert {re.match(r"cp\d+", name)[0] for name in names} == {newest}  # type: ignore[index]  # all begin so
