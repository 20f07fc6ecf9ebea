"""Lay out plug-ins in a folder as pip does, without a wheel and without a real library."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.plugins.making import DESCRIBE


def install(
    site: Path, name: str, source: str = DESCRIBE, *, package: str = "", library: bool = True, version: str = "1.0"
) -> None:
    """Lay out the plug-in of the backend `name`, whose module has the text `source`, in the packages folder `site`."""
    package = package or f"llamapack-{name}"
    module = package.replace("-", "_")
    lib = site / module / "lib"
    lib.mkdir(parents=True)
    (site / module / "__init__.py").write_text(source, encoding="utf-8")
    if library:
        (lib / f"lib{name}.so").write_bytes(b"")
    facts = {"name": name, "package": package, "version": version, "library": f"lib{name}.so"}
    (lib / "backend.json").write_text(json.dumps({**facts, "abi_id": "1", "llama_commit": "2"}), encoding="utf-8")
    info = site / f"{module}-{version}.dist-info"
    info.mkdir()
    text = f"[console_scripts]\nx = y:z\n\n[llamapack.backends]\n{name} = {module}:describe\n"
    (info / "entry_points.txt").write_text(text, encoding="utf-8")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n", encoding="utf-8")
