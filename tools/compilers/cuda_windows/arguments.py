"""Read how CMake calls clang as a CUDA compiler, and sort the words: for nvcc, for clang, for the linker."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tools.errors import ToolError

TARGETS = "--llamapack-targets="
"""The architectures in CMake's notation, with commas: CMake's own options for clang cannot say `machine code only`
and `PTX only` for every one of them."""
VERSION = "--llamapack-version="
"""What names this compiler as it is. It is in the command line so that objects of another one are not kept."""
_ARCH = re.compile(r"--(?:cuda-gpu-arch|offload-arch)=sm_(\w+)")
_TARGET = re.compile(r"(\d+[af]?)(-real|-virtual)?")
_WITH_VALUE = frozenset(
    {"-D", "-I", "-U", "-isystem", "-iquote", "-include", "-MF", "-MT", "-MQ", "-Xclang", "-o", "-x"}
)
_FOR_BOTH = re.compile(r"-(D|I|U|isystem|iquote|include|O)")
_FOR_NVCC = re.compile(r"-(use_fast_math|extended-lambda|compress-mode=|lineinfo|restrict|maxrregcount)")
_PREFIX_MAP = re.compile(r"-f(file|macro)-prefix-map=")
_OF_CLANGS_OWN = re.compile(
    r"--(target|sysroot|cuda-path)=|--cuda-(gpu-arch|include-ptx)|--no-cuda-include-ptx|--offload-arch"
)
_NOT_LINKED = re.compile(r"--(target|sysroot|cuda-path)=|--(cuda|no-cuda|offload)-|-(l|.*[/\\])cudadevrt")


@dataclass(kw_only=True)
class Call:
    """What the compiler was called for."""

    does: Literal["tell", "preprocess", "compile", "link", "compile and link"]
    source: str = ""
    output: str = ""
    targets: tuple[str, ...] = ()
    """Architectures in CMake's notation: 90-real, 90-virtual, or 90 for both."""
    device: list[str] = field(default_factory=list)
    host: list[str] = field(default_factory=list)
    link: list[str] = field(default_factory=list)


def read_call(words: Sequence[str]) -> Call:
    """Return what CMake, or a compiler cache, asks for."""
    expanded = list(_expanded(words))
    if "--version" in expanded or "-dumpversion" in expanded:
        return Call(does="tell", host=["--version"])
    sources = [word for word in expanded if word.endswith(".cu") and not word.startswith("-")]
    does: Literal["preprocess", "compile", "link", "compile and link"]
    if not sources:
        does = "link"
    elif "-E" in expanded:
        does = "preprocess"
    else:
        does = "compile" if "-c" in expanded else "compile and link"
    call = Call(does=does, source=sources[0] if sources else "", link=_linked(words))
    if len(sources) > 1:
        raise ToolError(f"One source is compiled in a call, and these were given: {', '.join(sources)}.")
    if sources:
        _sort(expanded, call)
    return call


def target_options(targets: Sequence[str]) -> list[str]:
    """Return nvcc's options for architectures in CMake's notation."""
    options = []
    for target in targets:
        name, kind = _parts(target)
        codes = [f"sm_{name}"] if kind != "-virtual" else []
        codes += [f"compute_{name}"] if kind != "-real" else []
        options.append(f"--generate-code=arch=compute_{name},code=[{','.join(codes)}]")
    return options


def ptx_options(targets: Sequence[str]) -> list[str]:
    """Return nvcc's options to preprocess for one of `targets` after the other."""
    return [f"--gpu-architecture=compute_{_parts(target)[0]}" for target in targets]


def arch_list(targets: Sequence[str]) -> str:
    """Return what nvcc defines as __CUDA_ARCH_LIST__: 750,900."""
    numbers = {int(re.sub(r"\D", "", _parts(target)[0])) * 10 for target in targets}
    return ",".join(map(str, sorted(numbers)))


def _parts(target: str) -> tuple[str, str]:
    found = _TARGET.fullmatch(target)
    if found is None:
        raise ToolError(
            f"{target!r} is not an architecture that code is compiled for.",
            fix="Name architectures such as 90-real, with commas, in LLAMAPACK_CUDA_ARCHS.",
        )
    return found[1], found[2] or ""


def _expanded(words: Sequence[str]) -> Iterator[str]:
    """Yield the words, with those of response files in their place."""
    for word in words:
        if word.startswith("@") and Path(word[1:]).is_file():
            yield from shlex.split(Path(word[1:]).read_text(encoding="utf-8"))
        else:
            yield word


def _linked(words: Sequence[str]) -> list[str]:
    """Return the words for the linker: without what is clang's own, and with CUDA's runtime as the DLL."""
    kept = [word for word in words if not _NOT_LINKED.match(word)]
    return [word.replace("cudart_static", "cudart") for word in kept]


def _sort(words: Sequence[str], call: Call) -> None:
    rest, named, archs = iter(words), "", []
    for word in rest:
        value = [next(rest, "")] if word in _WITH_VALUE else []
        if word == "-o":
            (call.output,) = value
        elif word in (call.source, "-c", "-E", "-x"):
            continue
        elif word == "-Xcompiler" or word.startswith("-Xcompiler="):
            _sort_for_host(next(rest, "") if word == "-Xcompiler" else word.partition("=")[2], call)
        elif word.startswith(TARGETS):
            named = word.removeprefix(TARGETS)
        elif found := _ARCH.fullmatch(word):
            archs.append(found[1])
        elif _OF_CLANGS_OWN.match(word) or word.startswith((VERSION, "-l", "-L")):
            continue
        elif _PREFIX_MAP.match(word):
            _sort_for_host(word, call)
        elif _FOR_NVCC.match(word):
            call.device.append(word)
        elif word.startswith("-std="):
            call.device.append(word.replace("gnu++", "c++"))
            call.host.append(word)
        else:
            call.host += [word, *value]
            if _FOR_BOTH.match(word) and not word.startswith("-Xclang"):
                call.device += [word, *value]
    call.targets = tuple(named.split(",")) if named else tuple(f"{arch}-real" for arch in dict.fromkeys(archs))


def _sort_for_host(words: str, call: Call) -> None:
    """Sort options that nvcc would pass to its host compiler; by some, file names in device code are chosen, too."""
    for word in words.split(" "):
        call.host.append(word)
        if _PREFIX_MAP.match(word):
            call.device.append(f"-Xcompiler={word}")
