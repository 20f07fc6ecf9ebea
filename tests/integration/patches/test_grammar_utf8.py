"""The patch that lets a grammar pass only valid UTF-8: every sequence of bytes, in one piece and byte by byte."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.grammars.utf8 import is_text
from tests.support.native_programs import compile_program, compiler, source_tree

# Upstream's engine, with the rest of llama.cpp replaced by what it needs to link. It reads lines of pieces in
# hexadecimal, and says of each line where a grammar for one character stands after it.
PROGRAM = r"""
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include "llama-grammar.cpp"
void llama_log_internal(enum ggml_log_level, const char *, ...) {}
extern "C" void ggml_abort(const char *, int, const char *, ...) { std::abort(); }
const std::string & llama_vocab::token_to_piece(llama_token) const { std::abort(); }
bool llama_vocab::is_eog(llama_token) const { return false; }
int32_t llama_vocab::tokenize(const char *, int32_t, llama_token *, int32_t, bool, bool) const { std::abort(); }
static std::string bytes(const std::string & hex) {
    std::string made;
    for (size_t i = 0; i < hex.size(); i += 2) made += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return made;
}
int main(int, char ** argv) {
    llama_grammar_parser parser;
    if (!parser.parse(argv[1])) return 2;
    auto rules = parser.c_rules();
    std::string line;
    while (std::getline(std::cin, line)) {
        llama_grammar * grammar = llama_grammar_init_impl(nullptr, rules.data(), rules.size(),
                                                          parser.symbol_ids.at("root"));
        std::istringstream pieces(line);
        std::string piece, answer = "open";
        try {
            while (pieces >> piece) llama_grammar_accept_token(*grammar, 0, bytes(piece));
            for (const auto & stack : grammar->stacks) if (stack.empty()) answer = "complete";
        } catch (const std::exception &) { answer = "refused"; }
        std::puts(answer.c_str());
        llama_grammar_free_impl(grammar);
    }
}
"""
FILES = ("include", *(f"src/llama-{name}" for name in ("grammar.cpp", "grammar.h", "impl.h", "vocab.h", "sampler.h")))


class Engine:
    """The grammar engine of one tree."""

    def __init__(self, tree: str, folder: Path) -> None:
        cxx = compiler()
        source = source_tree(tree, folder, *FILES)
        main = folder / "main.cpp"
        main.write_text(PROGRAM, encoding="utf-8")
        self.program = compile_program([cxx, "-O1"], [main], folder / "engine", source)

    def after(self, grammar: str, texts: Sequence[Sequence[bytes]]) -> list[str]:
        """Return where `grammar` stands after each of `texts`, which are in pieces."""
        lines = "".join(" ".join(piece.hex() for piece in pieces) + "\n" for pieces in texts)
        done = subprocess.run([self.program, grammar], input=lines, capture_output=True, encoding="ascii", check=True)
        return done.stdout.split()


def sequences() -> list[bytes]:
    """Every first byte; every second one; and of those that make three and four, some."""
    some = (0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF)
    found = [bytes([lead]) for lead in range(1, 0x100)]
    found += [bytes([lead, byte]) for lead in range(0xC0, 0x100) for byte in range(1, 0x100)]
    found += [bytes([lead, second, third]) for lead in range(0xE0, 0x100) for second in some for third in some]
    return found + [bytes([0xF0 + i, a, b, c]) for i in range(8) for a in some for b in some for c in some]


def expected(data: bytes) -> str:
    """Where a grammar for one character stands after `data`."""
    if is_text(data):
        return "complete" if len(data.decode()) == 1 else "refused"
    ends = (byte * count for byte in (b"\x80", b"\xbf") for count in (1, 2, 3))
    return "open" if any(is_text(data + end) for end in ends) else "refused"


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine("patched", tmp_path_factory.mktemp("patched"))


@pytest.mark.parametrize("grammar", ["root ::= .", "root ::= [^\\x00]", "root ::= [\\x01-\\U0010FFFF]"])
def test_exactly_the_characters_of_utf_8_pass(patched: Engine, grammar: str) -> None:
    texts = sequences()
    wanted = [expected(data) for data in texts]
    assert set(wanted) == {"open", "complete", "refused"}
    for size in (4, 1):  # in one piece, and byte by byte
        cut = [[data[i : i + size] for i in range(0, len(data), size)] for data in texts]
        found = patched.after(grammar, cut)
        wrong = [(data.hex(), one) for data, one, other in zip(texts, found, wanted, strict=True) if one != other]
        assert wrong == []


def test_the_beginning_of_a_character_passes_where_it_can_fit(patched: Engine) -> None:
    pieces = [[b"\xf0"], [b"\xe5\x9c"], [b"\xe5\x9d"], [b"\xe5", b"\x9c", b"\xa8"], [b"\xe5", b"\x9c", b"\xa9"]]
    assert patched.after('root ::= "在"', pieces) == ["refused", "open", "refused", "complete", "refused"]


def test_upstream_still_lets_other_bytes_pass(tmp_path: Path) -> None:
    overlong = [[b"\xf0\x85\x9c\xa8"], [b"\xf0"]]
    found = Engine("upstream", tmp_path).after('root ::= "在"', overlong)
    assert found == ["complete", "open"], "upstream refuses these itself now: drop the patch"
