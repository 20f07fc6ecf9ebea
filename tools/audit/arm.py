"""Instructions of 64-bit Arm, decoded by LLVM's llvm-mc: no Python package knows the features that each needs."""

from __future__ import annotations

import re
import shutil
import sys
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

from tools.audit.code import Foreign, Step, counted, part_with, walk
from tools.audit.library import Code, Library
from tools.util.cmd import run

PACKAGES = ("llvm-19",)
"""Debian's packages with llvm-mc."""
OLDEST = 17
"""The first LLVM that knows all of CANDIDATES."""

# The oldest processor that each system runs on: all code may use its instructions.
BASELINE: Mapping[str, str] = {"linux": "generic", "windows": "generic", "macos": "apple-m1"}

# The LLVM features that the compiler may use for each of ggml's flags. Levels are compiled for a version of the
# architecture: a processor with the dot product, which came after 8.2, has all of 8.2. MATMUL_INT8 came with 8.6, and
# processors have it from 8.4 on. SME came with 9.2, where SVE includes SVE2: for SME, compilers may use all three.
FLAGS: Mapping[str, tuple[str, ...]] = {
    "DOTPROD": ("v8.2a", "dotprod"),
    "FP16_VECTOR_ARITHMETIC": ("fullfp16",),
    "SVE": ("sve",),
    "MATMUL_INT8": ("v8.4a", "i8mm"),
    "SVE2": ("sve2",),
    "SME": ("sme",),
}

# The features that are tried for an instruction that is not allowed, to name the one it needs.
CANDIDATES = (
    *("crc", "lse", "rdm", "dotprod", "fullfp16", "fp16fml", "rcpc", "rcpc-immo", "complxnum", "jsconv", "flagm"),
    *("i8mm", "bf16", "sve", "sve2", "sme", "sme2", "aes", "sha2", "sha3", "sm4", "pauth", "mte", "fptoint", "sb"),
)
OTHER = "another extension"
SME = "sme"

# Instructions in zig's runtime, which checks the processor before it runs them.
TOLERATED: Mapping[str, str] = {
    r"cntd x0": "libunwind reads the length of vectors, for frames that keep some",
    r"stg x\d+, \[x\d+\]": "libunwind clears the tags of a stack that has them",
    r"str za\[w15, 0\], \[x16\]|addsvl x16, x16, #1": "libunwind saves the matrix register of a function that uses it",
}

_INVALID = re.compile(r"^<stdin>:(\d+):\d+: warning: invalid instruction encoding", re.MULTILINE)
_SIZE = 4


class Arm:
    """Judges 64-bit Arm code; see code.Judge."""

    def unavailable(self) -> str:
        """Return how to install llvm-mc if it is missing; empty if it is available."""
        missing = f"llvm-mc {OLDEST} or later is not on this machine (Debian: apt install {' '.join(PACKAGES)})"
        return "" if self._program else missing

    def foreign(self, library: Library, flags: Sequence[str]) -> tuple[Foreign, ...]:
        """Return the instructions of the library that `flags` do not allow."""
        return self._beyond((found for part in library.code for found in _words(part)), library.system, flags)

    def foreign_from(self, start: int, library: Library, flags: Sequence[str]) -> tuple[Foreign, ...]:
        """Return the instructions that can run from address `start` and that `flags` do not allow."""
        found = walk(start, library.functions, lambda address: _steps(address, library))
        return self._beyond(found, library.system, flags)

    def _beyond(self, found: Iterable[tuple[int, int]], system: str, flags: Sequence[str]) -> tuple[Foreign, ...]:
        places = list(found)
        features = [feature for flag in flags for feature in FLAGS.get(flag, ())]
        features += ["sve2"] if {"SVE", "SME"} <= set(flags) else []
        foreign = self._named({word for _, word in places}, f"--mcpu={BASELINE[system]}", features)
        return counted(
            (foreign[word][0], f"{foreign[word][1]} at {address:#x}") for address, word in places if word in foreign
        )

    def _named(self, words: Collection[int], processor: str, features: Sequence[str]) -> dict[int, tuple[str, str]]:
        """Return, for those of `words` that `features` do not allow, the missing feature and the instruction's text."""
        beyond = sorted(set(words) - self._allowed(words, processor, features))
        unknown = "the word {:#010x}, which llvm-mc does not know"
        texts = {word: unknown.format(word) for word in beyond} | self._decoded(beyond, processor, ["all"])
        texts = {word: text for word, text in texts.items() if not any(re.fullmatch(each, text) for each in TOLERATED)}
        names: dict[int, str] = {}
        for candidate in CANDIDATES if texts else ():
            for word in self._decoded(texts, processor, [*_plain(features), candidate]):
                names.setdefault(word, candidate)
        return {word: (names.get(word, OTHER), text) for word, text in texts.items()}

    def _allowed(self, words: Collection[int], processor: str, features: Sequence[str]) -> set[int]:
        """Return those of `words` that `features` allow.

        To LLVM, `sme` includes nearly all of SVE, because such a processor has it in streaming mode; outside of that
        mode it may not have it.
        """
        found = set(self._decoded(words, processor, features))
        if SME in features:
            by_it = found - set(self._decoded(found, processor, _plain(features)))
            found -= set(self._decoded(by_it, processor, [*_plain(features), "sve2"]))
        return found

    def _decoded(self, words: Collection[int], processor: str, features: Iterable[str]) -> dict[int, str]:
        """Return the text of each of `words` that is an instruction of `processor` with `features`."""
        ordered = sorted(words)
        lines = (" ".join(f"{byte:#04x}" for byte in word.to_bytes(_SIZE, "little")) for word in ordered)
        attributes = [f"--mattr={','.join(f'+{feature}' for feature in features)}"]
        command = [self._program, "--disassemble", "--triple=aarch64", processor, *attributes]
        said = run(command, stdin="\n".join(lines))
        invalid = {ordered[int(number) - 1] for number in _INVALID.findall(said.stderr)}
        texts = [" ".join(line.split()) for line in said.stdout.splitlines() if line.startswith("\t")]
        texts = [text for text in texts if not text.startswith(".")]
        return dict(zip((word for word in ordered if word not in invalid), texts, strict=True))

    @cached_property
    def _program(self) -> str:
        names = ("llvm-mc", *(f"llvm-mc-{version}" for version in range(40, OLDEST - 1, -1)))
        return next((found for name in names if (found := shutil.which(name)) and _version(found) >= OLDEST), "")


def _plain(features: Sequence[str]) -> list[str]:
    return [feature for feature in features if feature != SME]


def _version(program: str) -> int:
    found = re.search(r"LLVM version (\d+)", run([program, "--version"], check=False).stdout)
    return int(found[1]) if found else 0


def _words(part: Code, start: int = 0) -> Iterator[tuple[int, int]]:
    """Yield the address and the word of each instruction of `part`, from its byte `start` on."""
    words = _all_words(part)
    for number in range(start // _SIZE, len(words)):
        yield part.address + number * _SIZE, words[number]


@lru_cache(maxsize=8)
def _all_words(part: Code) -> array[int]:
    words = array("I", part.content[: len(part.content) // _SIZE * _SIZE])
    if sys.byteorder == "big":
        words.byteswap()
    return words


def _steps(address: int, library: Library) -> Iterator[Step[tuple[int, int]]]:
    if not (part := part_with(address, library)):
        return
    for place, word in _words(part, address - part.address):
        offset = _branch(word)
        yield Step(
            address=place,
            instruction=(place, word),
            target=None if offset is None else place + offset,
            ends=_ends(word),
        )


def _branch(word: int) -> int | None:
    """Return the offset in bytes of the branch instruction `word`; None if it is not one. Bits: the A64 encodings."""
    if word & 0x7C000000 == 0x14000000:  # B, BL
        return _signed(word, 0, 26)
    if word & 0x7E000000 == 0x34000000 or word & 0xFF000000 == 0x54000000:  # CBZ, CBNZ, B.cond, BC.cond
        return _signed(word, 5, 19)
    if word & 0x7E000000 == 0x36000000:  # TBZ, TBNZ
        return _signed(word, 5, 14)
    return None


def _signed(word: int, low: int, size: int) -> int:
    value = word >> low & (1 << size) - 1
    return _SIZE * (value - (1 << size) if value >> size - 1 else value)


def _ends(word: int) -> bool:
    """Return True if execution does not go on after `word`: B, BR, RET and the like, BRK, UDF."""
    plain = word & 0xFC000000 == 0x14000000
    register = word & 0xFE000000 == 0xD6000000 and word >> 21 & 0b11 != 0b01  # not BLR, which returns
    return plain or register or word & 0xFFE00000 == 0xD4200000 or word & 0xFFFF0000 == 0
