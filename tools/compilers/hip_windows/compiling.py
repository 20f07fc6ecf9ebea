"""Compile a HIP source: the code for each GPU, the bundle of them, and the CPU's part around it.

clang would do all of it in one call, with programs that zig lacks: a linker called lld, and one that makes bundles.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from tools.compilers import clang_for_windows
from tools.compilers.hip_windows.arguments import ARCH, Call, read_call
from tools.compilers.hip_windows.bundle import bundle
from tools.compilers.hip_windows.settings import Settings

SHIM = Path(__file__).with_name("include") / "prelude.h"
OLDER_FORMAT = "-mcode-object-version=5"
"""What every HIP 6 for Windows reads; clang would write the next one, which needs 6.3."""
GENERIC = "-generic"
"""Code for a family of GPUs, whose names end so, exists in the newer format only."""
_WRAPPER = ("-include", "__clang_hip_runtime_wrapper.h", "-D__HIP_PLATFORM_AMD__=1")
"""What clang adds by itself if it finds AMD's folders, whose layout is not ours."""
_DISABLED = "CCACHE_DISABLE"
"""Set by ccache for what it calls. The objects of several GPUs are one to it; here each is cached by itself."""


def call_compiler(settings: Settings, words: Sequence[str], output: BinaryIO) -> int:
    """Compile or preprocess a HIP source as clang is told by `words`; return the status.

    `output` is this program's own, for a preprocessed source.
    """
    call = read_call(words)
    with tempfile.TemporaryDirectory(prefix="llamapack-hip-") as folder:
        if call.preprocess:
            return _preprocess(settings, call, Path(folder), output)
        code = {}
        for gpu in dict.fromkeys(call.gpus):
            made = Path(folder) / gpu.replace(":", "_")
            command = [*_for_gpu(settings, call, gpu), "-c", "-o", str(made)]
            if status := _status([settings.launcher, *command] if settings.launcher else command):
                return status
            code[gpu] = made.read_bytes()
        packed = Path(folder) / "code"
        packed.write_bytes(bundle(code))
        including = ["-Xclang", "-fcuda-include-gpubinary", "-Xclang", str(packed)]
        return _status([*_for_cpu(settings, call), *including, "-c", "-o", call.output])


def _preprocess(settings: Settings, call: Call, folder: Path, output: BinaryIO) -> int:
    """Preprocess for the CPU and then for each GPU: by that, a compiler cache knows a source."""
    texts: list[bytes] = []
    for command in (_for_cpu(settings, call), *(_for_gpu(settings, call, gpu) for gpu in call.gpus)):
        part = folder / f"{len(texts)}.ii"
        if status := _status([*command, "-E", "-o", str(part)]):
            return status
        texts.append(part.read_bytes())
    if call.output and call.output != "-":
        Path(call.output).write_bytes(b"".join(texts))
    else:
        output.write(b"".join(texts))
    return 0


def _for_gpu(settings: Settings, call: Call, gpu: str) -> list[str]:
    """Return the command for the code of one GPU. Its libraries have characters of 32 bits, and Windows of 16."""
    parts = ["--cuda-device-only", "--no-gpu-bundle-output", f"{ARCH}{gpu}", "-fno-short-wchar"]
    older = [] if gpu.partition(":")[0].endswith(GENERIC) else [OLDER_FORMAT]
    libraries = [f"--rocm-device-lib-path={settings.device_libraries}", f"-B{settings.programs}"]
    return [*_clang(settings, call), *parts, *older, *libraries]


def _for_cpu(settings: Settings, call: Call) -> list[str]:
    return [*_clang(settings, call), *call.host, "--cuda-host-only", f"{ARCH}{call.gpus[0]}", "-nogpulib"]


def _clang(settings: Settings, call: Call) -> list[str]:
    """Return what both commands have. Warnings are looked at on Linux."""
    zig, include = Path(settings.zig), settings.include
    headers = clang_for_windows.headers(zig, Path(settings.clang_headers), call.both)
    own = ["-isystem", include, "-include", os.path.relpath(SHIM), "-nogpuinc", *_WRAPPER, "-w"]
    return [*clang_for_windows.clang(zig), *headers, *own, *call.both]


def _status(command: Sequence[str]) -> int:
    variables = {name: value for name, value in os.environ.items() if name != _DISABLED}
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, env=variables).returncode
