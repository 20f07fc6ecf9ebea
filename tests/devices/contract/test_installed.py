"""The plug-in as it is installed, before any device is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import llamapack


def test_description_is_of_this_very_core(package: Path, backend: str) -> None:
    stated = json.loads((package / "lib" / "backend.json").read_text(encoding="utf-8"))
    core = json.loads((Path(llamapack.__file__).parent / "lib" / "abi.json").read_text(encoding="utf-8"))
    assert stated["name"] == backend
    assert (stated["abi_id"], stated["llama_commit"]) == (core["abi_id"], core["llama_commit"])


def test_importing_the_package_loads_nothing(backend: str) -> None:
    code = f"import sys, llamapack_{backend}; print([m for m in sys.modules if m.startswith(('llamapack', 'ctypes'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8")
    assert done.stdout.strip() == f"['llamapack_{backend}']"
