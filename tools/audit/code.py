"""Which instructions machine code holds, and what each asks of the processor; x86-64 so far, with iced-x86."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from iced_x86 import Code as Opcode
from iced_x86 import CpuidFeature, Decoder, FlowControl, Instruction, Mnemonic

from tools.audit.library import Code, Library

BITS = {"x86_64": 64}

# What every x86-64 processor has, with what older ones take for no operation.
BASELINE = frozenset(
    (
        *("INTEL8086", "INTEL8086_ONLY", "INTEL186", "INTEL286", "INTEL386", "INTEL486", "X64", "CMOV", "CX8", "CPUID"),
        *("FPU", "FPU287", "FPU387", "FXSR", "MMX", "SSE", "SSE2", "TSC", "CLFSH", "SYSCALL", "PAUSE"),
        *("MULTIBYTENOP", "CET_IBT", "CET_SS"),
    )
)

# What the compiler may use for each of ggml's flags: the instructions, in iced's words, that the flag switches on.
FLAGS: Mapping[str, frozenset[str]] = {
    "SSE42": frozenset(("SSE3", "SSSE3", "SSE4_1", "SSE4_2", "POPCNT")),
    "AVX": frozenset(("AVX",)),
    "F16C": frozenset(("F16C",)),
    "FMA": frozenset(("FMA",)),
    "AVX2": frozenset(("AVX2",)),
    "BMI2": frozenset(("BMI2",)),
    "AVX_VNNI": frozenset(("AVX_VNNI",)),
    "AVX512": frozenset(("AVX512F", "AVX512CD", "AVX512BW", "AVX512DQ", "AVX512VL")),
    "AVX512_VBMI": frozenset(("AVX512_VBMI",)),
    "AVX512_VNNI": frozenset(("AVX512_VNNI",)),
    "AVX512_BF16": frozenset(("AVX512_BF16",)),
    "AMX_TILE": frozenset(("AMX_TILE",)),
    "AMX_INT8": frozenset(("AMX_INT8",)),
}

# No processor stops at these, and what uses them knows what older ones make of them.
TOLERATED: Mapping[int, str] = {
    Mnemonic.TZCNT: "the compiler's `rep bsf`, which older processors run as bsf, with the same result",
    Mnemonic.LZCNT: "miniaudio asks CPUID before it",
    Mnemonic.XGETBV: "the scores ask CPUID before it",
}

_NAMES = {value: name for name, value in vars(CpuidFeature).items() if name.isupper()}
_ENDS = (FlowControl.RETURN, FlowControl.INDIRECT_BRANCH, FlowControl.INTERRUPT, FlowControl.EXCEPTION)


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """Instructions of features that a processor may lack: how many, and the first of them."""

    feature: str
    count: int
    first: str


def allowed_by(flags: Iterable[str]) -> frozenset[str]:
    """Return what code of a level with these of ggml's flags may use."""
    return BASELINE.union(*(FLAGS.get(flag, frozenset()) for flag in flags))


def foreign(code: Iterable[Code], machine: str, allowed: frozenset[str]) -> tuple[Foreign, ...]:
    """Return what `code` uses beyond `allowed`, all of it looked at from the first byte to the last."""
    decoders = (Decoder(BITS[machine], part.content, ip=part.address) for part in code)
    return _sorted_out((instruction for decoder in decoders for instruction in decoder), allowed)


def foreign_from(start: int, library: Library, allowed: frozenset[str]) -> tuple[Foreign, ...]:
    """Return what is used beyond `allowed` by all that runs from address `start`, as far as calls name their target."""
    return _sorted_out(_reached(start, library), allowed)


def _sorted_out(instructions: Iterable[Instruction], allowed: frozenset[str]) -> tuple[Foreign, ...]:
    known: dict[int, str] = {}
    counts: dict[str, int] = {}
    first: dict[str, str] = {}
    for instruction in instructions:
        if instruction.code not in known:
            known[instruction.code] = _missing(instruction, allowed)
        if feature := known[instruction.code]:
            counts[feature] = counts.get(feature, 0) + 1
            first.setdefault(feature, f"{instruction} at {instruction.ip:#x}")
    return tuple(Foreign(feature=name, count=counts[name], first=first[name]) for name in sorted(counts))


def _missing(instruction: Instruction, allowed: frozenset[str]) -> str:
    if instruction.mnemonic in TOLERATED or instruction.code == Opcode.INVALID:
        return ""
    return " and ".join(sorted({_NAMES[feature] for feature in instruction.cpuid_features()} - allowed))


def _reached(start: int, library: Library) -> Iterator[Instruction]:
    decoders = {part: Decoder(BITS[library.machine], part.content, ip=part.address) for part in library.code}
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        for instruction in _from(address := waiting.pop(), decoders):
            # A call that does not return may be a function's last instruction: what follows is another function.
            if instruction.ip in seen or (instruction.ip in library.functions and instruction.ip != address):
                break
            seen.add(instruction.ip)
            yield instruction
            if instruction.near_branch_target:
                waiting.append(instruction.near_branch_target)
            if instruction.flow_control in _ENDS or instruction.flow_control == FlowControl.UNCONDITIONAL_BRANCH:
                break


def _from(address: int, decoders: Mapping[Code, Decoder]) -> Iterator[Instruction]:
    for part, decoder in decoders.items():
        if part.address <= address < part.address + len(part.content):
            decoder.position, decoder.ip = address - part.address, address
            yield from decoder
