"""At a release, what is under Unreleased becomes the section of the version, and nothing else changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.paths import ROOT
from tools.release import changelog

DAY = date(2027, 1, 31)
HEAD = "# Changelog\n\nThe form.\n\n"
BEFORE = HEAD + "## Unreleased\n\n### Added\n\n- This.\n\n## 0.1.0 - 2026-12-24\n\n- First.\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "CHANGELOG.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_this_changelog_can_be_read() -> None:
    assert changelog.read_sections(ROOT / "CHANGELOG.md")[0].title == changelog.UNRELEASED


def test_unreleased_becomes_the_section_of_the_version_once(tmp_path: Path) -> None:
    path = written(tmp_path, BEFORE)
    after = BEFORE.replace("## Unreleased\n", "## Unreleased\n\n## 0.2.0 - 2027-01-31\n")
    for _ in range(2):
        changelog.release_section(path, "0.2.0", DAY)
        assert path.read_text(encoding="utf-8") == after
    section = changelog.section_of(path, "0.2.0")
    assert (section.date, section.text) == ("2027-01-31", "### Added\n\n- This.")
    assert [each.title for each in changelog.read_sections(path)] == ["Unreleased", "0.2.0", "0.1.0"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (HEAD + "## Unreleased\n\n### Added\n\n## 0.1.0 - 2026-12-24\n\n- First.\n", "Nothing is under Unreleased"),
        (HEAD + "## 0.1.0 - 2026-12-24\n\n- First.\n", "Nothing is under Unreleased"),
        (BEFORE + "\n## 0.2.0 - 2027-01-01\n\n- That.\n", "has a section for 0.2.0, and Unreleased is not empty"),
        (BEFORE + "\n## 0.1.0\n", "has two sections 0.1.0"),
        (BEFORE + "\n## Once upon a time\n", "has the heading '## Once upon a time'"),
    ],
)
def test_a_changelog_that_is_not_ready_is_refused_and_stays(tmp_path: Path, text: str, what: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ToolError, match=what):
        changelog.release_section(path, "0.2.0", DAY)
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (BEFORE, "has no section for 0.2.0"),
        (BEFORE + "\n## 0.2.0\n\n- That.\n", "has 'no date' for a date"),
        (BEFORE + "\n## 0.2.0 - 31.1.2027\n\n- That.\n", "has '31.1.2027' for a date"),
        (BEFORE + "\n## 0.2.0 - 2027-02-31\n\n- That.\n", "has '2027-02-31' for a date"),
        (BEFORE + "\n## 0.2.0 - 2027-01-31\n\n### Added\n", "The section of 0.2.0 in CHANGELOG.md is empty"),
    ],
)
def test_a_section_that_is_not_complete_is_refused(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(ToolError, match=what):
        changelog.section_of(written(tmp_path, text), "0.2.0")


def test_brackets_as_keep_a_changelog_has_them_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "## [Unreleased]\n\n- This.\n\n## [0.1.0] - 2026-12-24\n\n- First.\n")
    changelog.release_section(path, "0.2.0", DAY)
    assert [each.title for each in changelog.read_sections(path)] == ["Unreleased", "0.2.0", "0.1.0"]
