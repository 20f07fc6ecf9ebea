"""CycloneDX's own judgement of a bill of materials, and some of what is in one."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools.paths import CORE

Bill = dict[str, Any]

MANIFEST = {"commit": "1" * 40, "tree": "2" * 40, "patches": [{"name": "0001-a.patch", "sha256": "3" * 64}]}
SCRIPT = CORE / "native" / "shared" / "sbom.py"


def sbom_functions() -> dict[str, Callable[..., Any]]:
    """Return what is in sbom.py, read without leaving compiled files beside it: its folder is copied into packages."""
    return runpy.run_path(str(SCRIPT))


def bill_text(project: Mapping[str, object]) -> str:
    """Return the bill of a wheel of `project`, of a llama.cpp that has one patch and no libraries."""
    functions = sbom_functions()
    bill = functions["bill"](project=project, manifest=MANIFEST, source=Path("no source"), tools=[("CMake", "4.0")])
    return str(functions["written"](bill))


def invalid(text: str) -> list[str]:
    """Return what CycloneDX's schema finds wrong."""
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text, all_errors=True)
    return [str(each) for each in found or ()]


def read_bill(path: Path) -> Bill:
    """Return a bill that the schema finds nothing wrong with."""
    text = path.read_text(encoding="utf-8")
    assert invalid(text) == []
    found: Bill = json.loads(text)
    return found


def components(bill: Bill) -> dict[str, Bill]:
    """Return all components by name, with those inside others."""
    found, waiting = {}, list(bill["components"])
    while waiting:
        one = waiting.pop()
        found[one["name"]] = one
        waiting += one.get("components", [])
    return found
