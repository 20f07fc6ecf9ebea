"""The changelog at a release: what is under Unreleased becomes the section of the version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tools.errors import ToolError
from tools.util.atomic_files import write_text

UNRELEASED = "Unreleased"
_HEADING = re.compile(r"## \[?(?P<title>[^\]\s]+)\]?(?: - (?P<date>\S+))?\s*")


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section of the changelog: its title is a version or Unreleased, `date` is as it is written, or empty."""

    title: str
    date: str
    text: str


def read_sections(path: Path) -> tuple[Section, ...]:
    """Return the sections in their order; raises ToolError for a heading that names neither or is there twice."""
    sections: list[Section] = []
    for part in re.split(r"(?m)^(?=## )", path.read_text(encoding="utf-8"))[1:]:
        heading, _, text = part.partition("\n")
        found = _HEADING.fullmatch(heading)
        if not found:
            raise ToolError(
                f"{path.name} has the heading {heading!r}.",
                fix="Sections are called `## Unreleased` or `## 0.2.0 - 2027-01-31`.",
            )
        if found["title"] in [section.title for section in sections]:
            raise ToolError(f"{path.name} has two sections {found['title']}.", fix="Make one of them.")
        sections.append(Section(title=found["title"], date=found["date"] or "", text=text.strip("\n")))
    return tuple(sections)


def section_of(path: Path, version: str) -> Section:
    """Return the section of `version`, which must have a date and say something; raises ToolError otherwise."""
    sections = {section.title: section for section in read_sections(path)}
    if version not in sections:
        raise ToolError(
            f"{path.name} has no section for {version}.",
            fix=f"`inv release.prepare {version}` makes it of what is under {UNRELEASED}.",
        )
    section = sections[version]
    try:
        date.fromisoformat(section.date)
    except ValueError:
        raise ToolError(
            f"The section of {version} in {path.name} has {section.date or 'no date'!r} for a date.",
            fix=f"The heading must be like this: ## {version} - 2027-01-31",
        ) from None
    if not _entries(section.text):
        raise ToolError(f"The section of {version} in {path.name} is empty.", fix="Say what users can notice.")
    return section


def release_section(path: Path, version: str, day: date) -> None:
    """Make what is under Unreleased the section of `version`, dated `day`, below an empty Unreleased.

    Does nothing if that was done before. Raises ToolError if there is nothing to release, or more to release of a
    version that has a section.
    """
    sections = {section.title: section for section in read_sections(path)}
    waiting = UNRELEASED in sections and _entries(sections[UNRELEASED].text)
    if version in sections:
        if waiting:
            raise ToolError(
                f"{path.name} has a section for {version}, and {UNRELEASED} is not empty.",
                fix=f"Move the lines into the section of {version}, or choose a later version.",
            )
        return
    if not waiting:
        raise ToolError(
            f"Nothing is under {UNRELEASED} in {path.name}, so there is nothing to release.",
            fix="Say there what users can notice, under Added, Changed, Fixed or Removed.",
        )
    text = path.read_text(encoding="utf-8")
    heading = re.compile(rf"(?m)^## \[?{UNRELEASED}\]?[ \t]*$")
    write_text(path, heading.sub(f"## {UNRELEASED}\n\n## {version} - {day.isoformat()}", text, count=1))


def _entries(text: str) -> list[str]:
    """Return the lines of a section that say something: no headings, nothing empty."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
