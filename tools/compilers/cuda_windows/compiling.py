"""Compile a CUDA source for Windows in three steps, or preprocess it, or link.

clang   the host's part, as LLVM IR, with a placeholder for the device code
nvcc    the device code, exactly as for Linux: it is compiled with the headers of this machine
clang   the IR, with nvcc's device code and its names, becomes the object
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from tools.compilers import clang_for_windows
from tools.compilers.cuda_windows import arguments
from tools.compilers.cuda_windows.arguments import Call, read_call
from tools.compilers.cuda_windows.device_code import Nvcc, NvccError
from tools.compilers.cuda_windows.joining import join
from tools.errors import ToolError

SHIMS = Path(__file__).with_name("include")
"""Our own headers, which are found before NVIDIA's."""
ANY_ARCH = "--cuda-gpu-arch=sm_90"
"""clang wants one, and the host's part is the same for all; which there are, a macro says."""

OLDER_NAMES = "-fclang-abi-compat=17"
"""Later versions put the types of a template's parameters into names, which neither nvcc nor gcc 12's library does."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where the programs and headers are."""

    zig: str
    clang_headers: str
    """The folder with clang's `include`, of zig's version of clang."""
    toolkit: str
    """NVIDIA's compiler for this machine, with its headers, which are those for Windows as well."""
    host_compiler: str
    """The C++ compiler of this machine, by which nvcc preprocesses."""
    linker: str
    """The program that links for Windows."""
    nvcc: str
    """What the device code depends on beside its source: the versions of nvcc and of that C++ compiler."""
    kept: str
    """The folder of device code that was compiled before."""

    def write(self, path: Path) -> None:
        """Write the settings to `path`."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_settings(path: Path) -> Settings:
    """Return the settings in the file `path`."""
    return Settings(**json.loads(path.read_text(encoding="utf-8")))


def call_compiler(settings: Settings, words: Sequence[str], output: BinaryIO) -> int:
    """Do what the compiler is called for with `words`; return the status. `output` is this program's own."""
    call = read_call(words)
    if call.does == "tell":
        return _status([*clang_for_windows.clang(Path(settings.zig)), *call.host])
    if call.does == "link":
        return _status([settings.linker, *call.link])
    try:
        return _work(settings, call, output)
    except NvccError as error:
        return error.status


def _work(settings: Settings, call: Call, output: BinaryIO) -> int:
    with tempfile.TemporaryDirectory(prefix="llamapack-cuda-") as folder:
        if call.does == "preprocess":
            return _preprocess(settings, call, Path(folder), output)
        if call.does == "compile":
            return _compile(settings, call, Path(folder), Path(call.output or Path(call.source).stem + ".obj"))
        made = Path(folder) / "source.obj"
        link = [str(made) if word == call.source else word for word in call.link]
        return _compile(settings, call, Path(folder), made) or _status([settings.linker, *link])


def _compile(settings: Settings, call: Call, folder: Path, output: Path) -> int:
    if not call.targets:
        raise ToolError(
            f"No architecture is named that {call.source} is compiled for.", fix=f"Add {arguments.TARGETS}90-real."
        )
    placeholder, host, ir = folder / "placeholder", folder / "host.ll", folder / "joined.ll"
    placeholder.write_bytes(b"\0" * 16)
    including = ["-Xclang", "-fcuda-include-gpubinary", "-Xclang", str(placeholder)]
    # Optimized in the last step only, as if both were one.
    unfinished = ["-S", "-emit-llvm", "-Xclang", "-disable-llvm-passes"]
    if status := _status([*_clang(settings, call), *including, *unfinished, call.source, "-o", str(host)]):
        return status
    code, devices = _nvcc(settings).compile(call, folder)
    ir.write_text(join(host.read_text(encoding="utf-8"), devices, code), encoding="utf-8")
    optimize = [word for word in call.host if word.startswith("-O")]
    last = [*clang_for_windows.clang(Path(settings.zig)), *optimize, "-c", "-x", "ir", str(ir), "-o", str(output)]
    return _status(last)


def _preprocess(settings: Settings, call: Call, folder: Path, output: BinaryIO) -> int:
    """Preprocess for the host and for each architecture, one after the other: a compiler cache knows a source by it."""
    parts = [folder / "host.ii", *(folder / f"{target}.ii" for target in call.targets)]
    if status := _status([*_clang(settings, call), "-E", call.source, "-o", str(parts[0])]):
        return status
    for target, part in zip(call.targets, parts[1:], strict=True):
        _nvcc(settings).preprocess(call, target, part)
    text = b"".join(part.read_bytes() for part in parts)
    if call.output and call.output != "-":
        Path(call.output).write_bytes(text)
    else:
        output.write(text)
    return 0


def _clang(settings: Settings, call: Call) -> list[str]:
    zig, toolkit = Path(settings.zig), Path(settings.toolkit)
    return [
        *clang_for_windows.clang(zig),
        *call.host,
        *("-U__CUDA_ARCH_LIST__", f"-D__CUDA_ARCH_LIST__={arguments.arch_list(call.targets)}"),
        *clang_for_windows.headers(zig, Path(settings.clang_headers), call.host),
        *(
            word
            for folder in (SHIMS, toolkit / "include", toolkit / "include" / "cccl")
            for word in ("-isystem", str(folder))
        ),
        *("-include", str(SHIMS / "prelude.h"), "-x", "cuda", f"--cuda-path={toolkit}", "--cuda-host-only"),
        *(OLDER_NAMES, ANY_ARCH, "-w"),  # warnings are looked at on Linux
    ]


def _nvcc(settings: Settings) -> Nvcc:
    program = Path(settings.toolkit) / "bin" / "nvcc"
    command = [str(program), f"-ccbin={settings.host_compiler}"]
    return Nvcc(command=command, identity=settings.nvcc, kept=Path(settings.kept))


def _status(command: Sequence[str]) -> int:
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
