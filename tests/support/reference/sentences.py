"""Sentences to embed: of this project's documents, and of other languages, scripts and signs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.paths import ROOT

OTHER = (
    "Der Bär schläft im Höhlengang, während draußen Schnee fällt.",
    "Où est passée la clé de l'église ?",
    "El niño comió jamón y piña en Logroño.",
    "Zażółć gęślą jaźń.",
    "İstanbul'da ÇOK ŞIK bir çay bahçesi",
    "Καλημέρα, κόσμε!",
    "Съешь же ещё этих мягких французских булок.",
    "مرحبا بالعالم",
    "שלום עולם",
    "สวัสดีชาวโลก",
    "今日は天気がいいですね。",
    "我喜欢在秋天喝茶。",
    "Lietuvių kalba, latviešu valoda, eesti keel",
    "Tiếng Việt có nhiều dấu.",
    "x = {'a': [1, 2.5e-3]}; assert f(x) != $HOME/*.py && ~b | c ^ d",
    "https://example.org/path?query=a%20b#part",
    "E = mc², ∑ 1/n² = π²/6 ≈ 1.6449",
    "🦙 llamas 🦙 and \t tabs,\nnew lines \u00a0 and\u200b no width",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "-",
)
_SKIPPED = re.compile(r"\s*([#|>]| {4}|- |\d+\. )")


def sentences(count: int = 200) -> list[str]:
    """Return `count` sentences, the same ones until the documents change."""
    written = sorted(set(_written()))
    wanted = count - len(OTHER)
    return [*OTHER, *(written[number * len(written) // wanted] for number in range(wanted))]


def _written() -> Iterator[str]:
    for page in (ROOT / "docs").rglob("*.md"):
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for paragraph in text.split("\n\n"):
            if not _SKIPPED.match(paragraph):
                found = re.split(r"(?<=[.!?:])\s+", " ".join(paragraph.split()))
                yield from (sentence for sentence in found if 10 < len(sentence) < 150 and sentence.isascii())
