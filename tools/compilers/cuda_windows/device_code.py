"""Compile the device code of a source with nvcc, once: it is kept by what the source is after preprocessing.

It takes minutes where the host's part takes seconds, and it is the same in every checkout and whatever becomes of the
host's part. What it has is kept with it, so that the PTX need not be.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.compilers.cuda_windows import arguments
from tools.compilers.cuda_windows.arguments import Call
from tools.compilers.cuda_windows.ptx import DeviceCode, read_ptx
from tools.util.atomic_files import write_file, write_text

_READ_BY_PREPROCESSOR = ("-D", "-U", "-I", "-isystem", "-iquote", "-include", "-Xcompiler=")


class NvccError(Exception):
    """nvcc ended with a status other than 0, after saying why."""

    def __init__(self, status: int) -> None:
        """Keep the status."""
        super().__init__(f"nvcc ended with status {status}.")
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Nvcc:
    """nvcc as it is called."""

    command: Sequence[str]
    identity: str
    """What the code depends on beside the source and the options: the versions of nvcc and its C++ compiler."""
    kept: Path
    """The folder of what was compiled before."""

    def compile(self, call: Call, folder: Path) -> tuple[Path, dict[str, DeviceCode]]:
        """Return the file with the device code of a source, and what each architecture's has.

        `folder` is for files that may go afterwards. Raises NvccError.
        """
        name = self._key(call, folder)
        code, described = self.kept / f"{name}.fatbin", self.kept / f"{name}.json"
        if not (code.is_file() and described.is_file()):
            self._make(call, folder, code, described)
        found = json.loads(described.read_text(encoding="utf-8"))
        return code, {arch: _described(each) for arch, each in found.items()}

    def preprocess(self, call: Call, target: str, output: Path, *options: str) -> None:
        """Write to `output` what the source is for the architecture `target`."""
        command = [*self.command, *call.device, *arguments.ptx_options([target]), *options]
        _run([*command, "-E", call.source, "-o", str(output)])

    def _make(self, call: Call, folder: Path, code: Path, described: Path) -> None:
        made, ptx = folder / "device.fatbin", folder / "ptx"
        ptx.mkdir()
        command = [*self.command, *call.device, "-fatbin", *arguments.target_options(call.targets)]
        _run([*command, "--keep", f"--keep-dir={ptx}", call.source, "-o", str(made)])
        found = {path.name.split(".")[-2]: read_ptx(path.read_text(encoding="utf-8")) for path in ptx.glob("*.ptx")}
        write_file(code, made.read_bytes())
        text = json.dumps(
            {arch: {"kernels": each.kernels, "variables": each.variables} for arch, each in found.items()}
        )
        write_text(described, text + "\n")

    def _key(self, call: Call, folder: Path) -> str:
        told = [self.identity, *call.targets, *_without_preprocessor(call.device)]
        digest = hashlib.sha256(json.dumps(told).encode())
        for number, target in enumerate(call.targets):
            text = folder / f"{number}.ii"
            self.preprocess(call, target, text, "-Xcompiler=-P")  # without the names of files
            digest.update(hashlib.sha256(text.read_bytes()).digest())
        return digest.hexdigest()[:32]


def _described(stored: Mapping[str, Mapping[str, Any]]) -> DeviceCode:
    kernels = {name: tuple(sizes) for name, sizes in stored["kernels"].items()}
    return DeviceCode(kernels=kernels, variables=dict(stored["variables"]))


def _without_preprocessor(words: Sequence[str]) -> list[str]:
    kept, rest = [], iter(words)
    for word in rest:
        if word in _READ_BY_PREPROCESSOR:
            next(rest, None)
        elif not word.startswith(_READ_BY_PREPROCESSOR):
            kept.append(word)
    return kept


def _run(command: Sequence[str]) -> None:
    if status := subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode:
        raise NvccError(status)
