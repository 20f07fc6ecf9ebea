"""Read and change the host's part of a CUDA source, as clang's LLVM IR.

Before the first call of a kernel, that part tells CUDA's runtime the device code, and for each kernel and variable the
address that stands for it on the host and its name in the device code. Both are constants of the IR: here they become
those of nvcc's device code. What clang put there itself is a placeholder, and clang's names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ToolError

_NAME = r'@(?:"([^"]+)"|([\w$.-]+))'
_KERNEL = re.compile(rf"call i32 @__cudaRegisterFunction\(ptr %\w+, ptr {_NAME}, ptr @(\d+), ptr @(\d+),")
_VARIABLE = re.compile(
    rf"call void @__cudaRegisterVar\(ptr %\w+, ptr {_NAME}, ptr @(\d+), ptr @(\d+), i32 \d+, i64 (\d+),"
)
_OTHERS = re.compile(r"call \w+ @__cudaRegister(ManagedVar|Surface|Texture)\(")
_TEXT = re.compile(r'^@(\d+) = private unnamed_addr constant \[\d+ x i8\] c"([^"]*)\\00"', re.MULTILINE)
_WRAPPER = re.compile(r"^(@__cuda_fatbin_wrapper = .*, )ptr @(\d+)(, ptr null \}.*)$", re.MULTILINE)
_DEFINED = re.compile(
    rf"^define [^@\n]*{_NAME}\((.*?)\)(?: local_unnamed_addr| unnamed_addr)?(?: #\d+)?[^\n]*\{{$", re.MULTILINE
)
_SCALAR = re.compile(r"(ptr|i\d+|half|bfloat|float|double|<\d+ x \w+>)")
_BITS = {"ptr": 64, "half": 16, "bfloat": 16, "float": 32, "double": 64}
CODE = "llamapack_device_code"
"""The symbol of the device code, within the object."""


@dataclass(frozen=True, kw_only=True)
class HostPart:
    """What the host's part of a source registers with CUDA's runtime."""

    text: str
    kernels: Mapping[str, tuple[int | None, ...]]
    """By clang's name, the bytes of each parameter as the host stores it; None where the IR has its address only."""
    variables: Mapping[str, int]
    """By clang's name, the bytes of each."""


def read_host_part(text: str) -> HostPart:
    """Return what the IR in `text` registers; raises ToolError for textures, surfaces and managed variables."""
    if other := _OTHERS.search(text):
        raise ToolError(
            f"The source has a {other[1]}, which is not joined with nvcc's device code.",
            fix="tools/compilers/cuda_windows/host_part.py knows kernels, __device__ and __constant__ variables.",
        )
    names = dict(_TEXT.findall(text))
    stubs = {found[1] or found[2]: found[3] for found in _DEFINED.finditer(text)}
    kernels = {names[each[3]]: _sizes(stubs[each[1] or each[2]]) for each in _KERNEL.finditer(text)}
    variables = {names[each[3]]: int(each[5]) for each in _VARIABLE.finditer(text)}
    return HostPart(text=text, kernels=kernels, variables=variables)


def joined(part: HostPart, names: Mapping[str, str], code: Path) -> str:
    """Return the IR with the device code in the file `code`, and names of kernels and variables replaced by `names`."""
    clangs = dict(_TEXT.findall(part.text))
    added: list[str] = []

    def renamed(found: re.Match[str]) -> str:
        name = names[clangs[found[3]]]
        label = f"@llamapack_name.{len(added)}"
        added.append(f'{label} = private unnamed_addr constant [{len(name) + 1} x i8] c"{name}\\00", align 1')
        old = f"ptr @{found[3]}, ptr @{found[4]},"
        return found[0].replace(old, f"ptr {label}, ptr {label},")

    text = _VARIABLE.sub(renamed, _KERNEL.sub(renamed, part.text))
    wrapper = _WRAPPER.search(text)
    if wrapper is None and not names:
        return text  # it registers nothing
    if wrapper is None:
        raise ToolError("clang's host part registers no device code.", fix="Has clang changed how it does that?")
    text = _WRAPPER.sub(rf"\1ptr @{CODE}\3", text)
    text = re.sub(rf"^@{wrapper[2]} = .*\n", "", text, count=1, flags=re.MULTILINE)
    assembly = (".section .nv_fatbin,\\22dr\\22", ".p2align 4", f"{CODE}:", f".incbin \\22{code.as_posix()}\\22")
    added += [f"@{CODE} = external dso_local constant i8", *(f'module asm "{line}"' for line in assembly)]
    return "\n".join([text.rstrip("\n"), *added, ""])


def _sizes(parameters: str) -> tuple[int | None, ...]:
    found = []
    for parameter in _split(parameters):
        kind = _SCALAR.match(parameter)
        if kind is None:
            raise ToolError(f"A kernel's parameter is {parameter!r} in clang's host part, which nobody expected.")
        found.append(_size(kind[1]))
    return tuple(found)


def _size(kind: str) -> int | None:
    if kind == "ptr":  # a pointer, or a larger structure at that address
        return None
    if vector := re.fullmatch(r"<(\d+) x (\w+)>", kind):
        return int(vector[1]) * (_size(vector[2]) or 8)
    return max(8, _BITS.get(kind) or int(kind[1:])) // 8


def _split(parameters: str) -> list[str]:
    """Split at the commas that are in no brackets."""
    parts, depth = [""], 0
    for letter in parameters:
        depth += (letter in "([{<") - (letter in ")]}>")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]
