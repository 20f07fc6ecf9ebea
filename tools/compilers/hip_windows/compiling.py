"""Compile a HIP source: the code for each GPU, the bundle of them, and the CPU's part around it.

clang would do all of it in one call, with programs that zig lacks: a linker called lld, and one that makes bundles.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tools.compilers import clang_for_windows
from tools.compilers.hip_windows.bundle import bundle
from tools.errors import ToolError

SHIM = Path(__file__).with_name("include") / "prelude.h"
ARCH = "--offload-arch="
_DEPENDENCIES = {"-MD": 0, "-MMD": 0, "-MF": 1, "-MT": 1, "-MQ": 1}
"""Options that list the headers, with the words that follow each: one list is enough."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the programs and headers are."""

    zig: str
    clang_headers: str
    """The folder with clang's `include`, of zig's version of clang."""
    include: str
    """HIP's headers."""
    device_libraries: str
    """AMD's libraries for GPUs, as LLVM's bitcode."""
    programs: str
    """The folder with a linker called lld."""

    def write(self, path: Path) -> None:
        """Write the settings to `path`."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


@dataclass(kw_only=True)
class Call:
    """What clang was called with: the words for the CPU's part alone, for both parts, and the GPUs."""

    gpus: list[str] = field(default_factory=list)
    output: str = ""
    both: list[str] = field(default_factory=list)
    host: list[str] = field(default_factory=list)
    preprocess: bool = False


def read_settings(path: Path) -> Settings:
    """Return the settings in the file `path`."""
    return Settings(**json.loads(path.read_text(encoding="utf-8")))


def read_call(words: Sequence[str]) -> Call:
    """Sort the words of a call of clang that compiles or preprocesses one HIP source."""
    call, rest = Call(), iter(words)
    for word in rest:
        if word == "-o":
            call.output = next(rest, "")
        elif word in _DEPENDENCIES:
            call.host += [word, *(next(rest, "") for _ in range(_DEPENDENCIES[word]))]
        elif word.startswith(ARCH):
            call.gpus.append(word.removeprefix(ARCH))
        elif word == "-E":
            call.preprocess = True
        elif word != "-c":
            call.both.append(word)
    if not call.gpus:
        raise ToolError("No GPU is named that is compiled for.", fix=f"Add {ARCH}gfx1100, or another one.")
    if not (call.output or call.preprocess):
        raise ToolError("A HIP source is compiled with -c and -o FILE here.")
    return call


def call_compiler(settings: Settings, words: Sequence[str]) -> int:
    """Compile or preprocess a HIP source as clang is told by `words`; return the status."""
    call = read_call(words)
    with tempfile.TemporaryDirectory(prefix="llamapack-hip-") as folder:
        if call.preprocess:
            return _preprocess(settings, call, Path(folder))
        code = {}
        for gpu in dict.fromkeys(call.gpus):
            made = Path(folder) / gpu.replace(":", "_")
            if status := _status([*_for_gpu(settings, call, gpu), "-c", "-o", str(made)]):
                return status
            code[gpu] = made.read_bytes()
        packed = Path(folder) / "code"
        packed.write_bytes(bundle(code))
        including = ["-Xclang", "-fcuda-include-gpubinary", "-Xclang", str(packed)]
        return _status([*_for_cpu(settings, call), *including, "-c", "-o", call.output])


def _preprocess(settings: Settings, call: Call, folder: Path) -> int:
    """Preprocess for the CPU and then for each GPU: by that, a compiler cache knows a source."""
    texts = []
    for command in (_for_cpu(settings, call), *(_for_gpu(settings, call, gpu) for gpu in call.gpus)):
        part = folder / f"{len(texts)}.ii"
        if status := _status([*command, "-E", "-o", str(part)]):
            return status
        texts.append(part.read_bytes())
    if call.output and call.output != "-":
        Path(call.output).write_bytes(b"".join(texts))
    else:
        sys.stdout.buffer.write(b"".join(texts))
    return 0


def _for_gpu(settings: Settings, call: Call, gpu: str) -> list[str]:
    """Return the command for the code of one GPU. Its libraries have characters of 32 bits, and Windows of 16."""
    parts = ["--cuda-device-only", "--no-gpu-bundle-output", f"{ARCH}{gpu}", "-fno-short-wchar"]
    libraries = [f"--rocm-device-lib-path={settings.device_libraries}", f"-B{settings.programs}"]
    return [*_clang(settings, call), *parts, *libraries]


def _for_cpu(settings: Settings, call: Call) -> list[str]:
    return [*_clang(settings, call), *call.host, "--cuda-host-only", f"{ARCH}{call.gpus[0]}", "-nogpulib"]


def _clang(settings: Settings, call: Call) -> list[str]:
    zig, include = Path(settings.zig), Path(settings.include)
    headers = clang_for_windows.headers(zig, Path(settings.clang_headers), call.both)
    own = ["-isystem", str(include), "-include", str(SHIM), "-nogpuinc", *_WRAPPER]
    return [*clang_for_windows.clang(zig), *headers, *own, *call.both]


_WRAPPER = ("-include", "__clang_hip_runtime_wrapper.h", "-D__HIP_PLATFORM_AMD__=1")
"""What clang adds by itself if it finds AMD's folders, whose layout is not ours."""


def _status(command: Sequence[str]) -> int:
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
