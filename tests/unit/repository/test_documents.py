"""Links between documents lead somewhere, and the sessions that they name exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.import_graph import nox_sessions
from tests.support.repository import files
from tools.paths import ROOT


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"(?ms)^```.*?^```", "", text))


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    titles = re.findall(r"(?m)^#+ +(.+?) *$", re.sub(r"(?ms)^```.*?^```", "", text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: Path) -> list[str]:
    """Return the links of `page` into this tree that lead nowhere."""
    broken = []
    for link in re.findall(r"\]\(([^()\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    return broken


def test_links_between_documents_lead_somewhere() -> None:
    pages = [path for path in files() if path.suffix == ".md"]
    assert ROOT / "docs" / "reference" / "build-matrix.md" in pages
    assert {page.relative_to(ROOT).as_posix(): broken for page in pages if (broken := broken_links(page))} == {}


def test_sessions_that_documents_name_exist() -> None:
    pages = {path: path.read_text(encoding="utf-8") for path in files() if path.suffix == ".md"}
    known = nox_sessions(ROOT / "noxfile.py")
    named = {path.name: set(re.findall(r"nox -s ([a-z][\w-]*)", text)) - known for path, text in pages.items()}
    assert {name: unknown for name, unknown in named.items() if unknown} == {}


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A `b` title!\n", encoding="utf-8")
    (tmp_path / "page.md").write_text(
        "# Here\n[a](other.md) [b](other.md#a-b-title) [c](#here) [d](https://example.com/x) `[e](gone.md)`\n"
        "[f](gone.md) [g](other.md#gone) [h](#gone)\n```\n[i](gone.md)\n```\n",
        encoding="utf-8",
    )
    assert broken_links(tmp_path / "page.md") == ["gone.md", "other.md#gone", "#gone"]
