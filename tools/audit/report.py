"""The report of an audit, for people."""

from __future__ import annotations

from pathlib import Path

from tools.audit.rules import RULES
from tools.audit.wheel import Report, audit_wheel


def text(report: Report) -> str:
    """Return the report: what was inspected, and each finding with its fix."""
    needs = ", ".join(f"{family} {version}" for family, version in report.needs.items()) or "no versioned library"
    lines = [f"{report.wheel.name}: {len(report.libraries)} libraries, {len(RULES)} rules. They need {needs}."]
    lines += [f"Not looked at: {what}." for what in report.not_looked_at]
    lines += [str(finding) for finding in report.findings]
    return "\n".join([*lines, verdict(report)])


def verdict(report: Report) -> str:
    """Return the last line."""
    if report.findings:
        return f"{len(report.findings)} findings."
    return f"Nothing is wrong with {'what was looked at' if report.not_looked_at else 'it'}."


def audited(wheel: str, library: str = "", *, whole: bool = False) -> str:
    """Audit `wheel` and return the report. If something is wrong, with `library` if it is named, exit with the report.

    With `whole`, a part that cannot be inspected on this machine counts as wrong, too.
    """
    report = audit_wheel(Path(wheel))
    if library and library not in [each.name for each in report.libraries]:
        raise SystemExit(f"{library} is not in {report.wheel.name}.")
    if report.of(library) if library else report.findings:
        raise SystemExit(text(report))
    if whole and report.not_looked_at:
        raise SystemExit(f"{text(report)}\nOnly a complete audit is recorded.")
    return text(report)
