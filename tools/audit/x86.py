"""Instructions of x86-64, decoded by iced-x86, which also knows the features that each needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from iced_x86 import Code as Opcode
from iced_x86 import CpuidFeature, Decoder, FlowControl, Instruction, Mnemonic

from tools.audit.code import Foreign, Step, counted, part_with, walk
from tools.audit.library import Library

BITS = 64

# Features of every x86-64 processor, and instructions that older ones execute as a no-op.
BASELINE = frozenset(
    (
        *("INTEL8086", "INTEL8086_ONLY", "INTEL186", "INTEL286", "INTEL386", "INTEL486", "X64", "CMOV", "CX8", "CPUID"),
        *("FPU", "FPU287", "FPU387", "FXSR", "MMX", "SSE", "SSE2", "TSC", "CLFSH", "SYSCALL", "PAUSE"),
        *("MULTIBYTENOP", "CET_IBT", "CET_SS"),
    )
)

# Additional features that all machines with a system have: zig compiles for the first 64-bit Macs, with Core 2.
MORE = {"macos": frozenset(("SSE3", "SSSE3", "CMPXCHG16B"))}

# The features, by iced's names, that the compiler may use for each of ggml's flags.
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

# Instructions that crash on no processor, and whose users handle the result that older processors give.
TOLERATED: Mapping[int, str] = {
    Mnemonic.TZCNT: "the compiler's `rep bsf`, which older processors run as bsf, with the same result",
    Mnemonic.LZCNT: "miniaudio asks CPUID before it",
    Mnemonic.XGETBV: "the scores ask CPUID before it",
}

_NAMES = {value: name for name, value in vars(CpuidFeature).items() if name.isupper()}
_ENDS = (
    *(FlowControl.RETURN, FlowControl.INDIRECT_BRANCH, FlowControl.INTERRUPT, FlowControl.EXCEPTION),
    FlowControl.UNCONDITIONAL_BRANCH,
)


class X86:
    """Judges x86-64 code; see code.Judge."""

    def unavailable(self) -> str:
        """Return an empty text: iced-x86 is always installed."""
        return ""

    def foreign(self, library: Library, flags: Sequence[str]) -> tuple[Foreign, ...]:
        """Return the instructions of the library that `flags` do not allow."""
        decoders = (Decoder(BITS, part.content, ip=part.address) for part in library.code)
        return counted(_beyond((each for decoder in decoders for each in decoder), library.system, flags))

    def foreign_from(self, start: int, library: Library, flags: Sequence[str]) -> tuple[Foreign, ...]:
        """Return the instructions that can run from address `start` and that `flags` do not allow."""
        found = walk(start, library.functions, lambda address: _steps(address, library))
        return counted(_beyond(found, library.system, flags))


def _beyond(instructions: Iterable[Instruction], system: str, flags: Sequence[str]) -> Iterator[tuple[str, str]]:
    allowed = BASELINE.union(MORE.get(system, ()), *(FLAGS.get(flag, ()) for flag in flags))
    known: dict[int, str] = {}
    for instruction in instructions:
        if instruction.code not in known:
            known[instruction.code] = _missing(instruction, allowed)
        if feature := known[instruction.code]:
            yield feature, f"{instruction} at {instruction.ip:#x}"


def _missing(instruction: Instruction, allowed: frozenset[str]) -> str:
    if instruction.mnemonic in TOLERATED or instruction.code == Opcode.INVALID:
        return ""
    return " and ".join(sorted({_NAMES[feature] for feature in instruction.cpuid_features()} - allowed))


def _steps(address: int, library: Library) -> Iterator[Step[Instruction]]:
    if not (part := part_with(address, library)):
        return
    decoder = Decoder(BITS, part.content, ip=part.address)
    decoder.position, decoder.ip = address - part.address, address
    for instruction in decoder:
        yield Step(
            address=instruction.ip,
            instruction=instruction,
            target=instruction.near_branch_target or None,
            ends=instruction.flow_control in _ENDS,
        )
