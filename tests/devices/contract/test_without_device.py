"""Where the device's driver is not there, the plug-in loads all the same, says so, and the CPU does the work."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WHY = {
    "cuda": "This machine has no NVIDIA GPU and no NVIDIA driver.",
    "rocm": "This machine has no AMD GPU.",
}
"""What is said of each backend on a machine that has neither GPU nor driver."""
MISSING = {"rocm": r": amdhip64_\d\.dll, hipblas\.dll are not found \(rocm_sdk is not installed; HIP_PATH is not set;"}
"""What is said where the vendor's libraries are missing."""


@pytest.fixture(autouse=True)
def without(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip where there is a device; believe no earlier verdict."""
    if not os.environ.get("LLAMAPACK_TEST_NO_DEVICE"):
        pytest.skip("this machine has a device for it")
    if backend not in WHY:
        pytest.skip(f"it is not known what a machine without a device says of {backend}")
    monkeypatch.setenv("LLAMAPACK_CACHE_DIR", str(tmp_path))


def doctor(backend: str) -> dict[str, Any]:
    """Return what the doctor says of the backend."""
    words = [sys.executable, "-m", "llamapack", "doctor", "--json"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False, timeout=300)
    assert done.returncode == 4, done.stderr  # degraded: a plug-in is installed, and brings no GPU
    (found,) = (one for one in json.loads(done.stdout)["backends"] if one["name"] == backend)
    return dict(found)


def test_without_the_vendors_libraries_the_verdict_names_them(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (variable := os.environ.get("LLAMAPACK_TEST_STAND_IN")):
        pytest.skip("the vendor's libraries are those of the system, or come with the plug-in")
    monkeypatch.delenv(variable)
    found = doctor(backend)
    assert (found["status"], found["fault"], found["devices"]) == ("broken", "missing library", [])
    assert re.search(MISSING[backend], found["reason"]), found["reason"]
    assert variable in found["remedy"]


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False, timeout=300)


def test_it_loads_and_the_verdict_names_the_missing_driver(backend: str) -> None:
    found = doctor(backend)
    assert (found["status"], found["fault"], found["used"], found["devices"]) == ("no device", None, False, [])
    assert found["reason"] == WHY[backend]


def test_build_runtime_and_driver_are_compared(backend: str, package: Path) -> None:
    stated = json.loads((package / "lib" / "backend.json").read_text(encoding="utf-8"))
    if not stated["toolkit"]:
        pytest.skip("it was built with no toolkit whose version counts")
    if (versions := doctor(backend)["versions"]) is None:
        pytest.skip(f"{backend}'s runtime is not asked for its version")
    assert versions["driver"] == ""
    if sys.platform == "win32":  # CUDA's runtime is a shell around the driver there, and without one it says nothing
        assert versions["runtime"] == ""
    else:
        major = stated["toolkit"].partition(".")[0]
        assert re.fullmatch(rf"{major}\.\d+", versions["runtime"])


def test_the_vendors_libraries_come_from_their_own_wheels(backend: str, package: Path) -> None:
    stated = json.loads((package / "lib" / "backend.json").read_text(encoding="utf-8"))
    loaded = [Path(path) for path in doctor(backend)["libraries"]]
    for name in stated["preload"]:
        assert (package / "lib" / name).resolve() in [path.resolve() for path in loaded]
    assert [path.name for path in loaded if path.name.lower().startswith(("libcuda.", "nvcuda"))] == []
    assert package / "lib" / stated["library"] in loaded


def test_the_cpu_is_used_with_a_warning(backend: str) -> None:
    code = (
        "import warnings; warnings.simplefilter('error')\n"
        "import llamapack\n"
        "try: llamapack.devices()\n"
        "except llamapack.BackendWarning as warning: print(warning)\n"
    )
    done = python(code)
    assert done.stdout.splitlines()[:2] == [
        "No GPU is used; the model runs on the CPU.",
        f"{backend}: {WHY[backend]}",
    ], done.stderr


def test_a_gpu_that_is_required_is_an_error(backend: str, model_path: Path) -> None:
    code = (
        "import llamapack\n"
        f"try: llamapack.Model({str(model_path)!r}, require_gpu=True)\n"
        "except llamapack.LlamapackError as error: print(type(error).__name__, error)\n"
    )
    assert python(code).stdout.splitlines()[:2] == [
        "BackendError No GPU can be used, and require_gpu asks for one.",
        f"{backend}: {WHY[backend]}",
    ]
