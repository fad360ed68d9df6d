"""What a reader found wrong with a source: counted by reason, with a few examples of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

#: Examples kept of each reason in each file; everything beyond is counted only.
MOST_EXAMPLES = 5
#: An example quotes at most this many characters of the source.
LONGEST_QUOTE = 80


class Severity(StrEnum):
    """A fault stops the import before anything is written; skipped rows and notes do not."""

    FAULT = "fault"
    SKIPPED = "skipped"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Example:
    """A line counted from 1 (None for the file itself), and what stands there."""

    line: int | None
    quote: str


@dataclass(slots=True)
class Finding:
    """One reason in one file: how often, and the first few places."""

    file: str
    reason: str
    severity: Severity
    count: int = 0
    examples: list[Example] = field(default_factory=list)


class Report:
    """Collects findings in bounded memory, however long and however broken the source is."""

    def __init__(self) -> None:
        self._findings: dict[tuple[str, str], Finding] = {}

    def fault(self, file: str, line: int | None, reason: str, quote: str = "") -> None:
        """The source cannot be imported."""
        self._add(Severity.FAULT, file, line, reason, quote)

    def skip(self, file: str, line: int | None, reason: str, quote: str = "") -> None:
        """This row, and what depends on it, is left out."""
        self._add(Severity.SKIPPED, file, line, reason, quote)

    def note(self, file: str, line: int | None, reason: str, quote: str = "") -> None:
        """Something is worth knowing; nothing is left out."""
        self._add(Severity.NOTE, file, line, reason, quote)

    def _add(
        self, severity: Severity, file: str, line: int | None, reason: str, quote: str
    ) -> None:
        finding = self._findings.get((file, reason))
        if finding is None:
            finding = self._findings[file, reason] = Finding(file, reason, severity)
        finding.count += 1
        if len(finding.examples) < MOST_EXAMPLES:
            finding.examples.append(Example(line, quote[:LONGEST_QUOTE]))

    @property
    def has_faults(self) -> bool:
        return any(finding.severity is Severity.FAULT for finding in self._findings.values())

    def __iter__(self) -> Iterator[Finding]:
        """Faults first, then what was skipped, then notes; within them by file and reason."""
        order = list(Severity)
        return iter(
            sorted(
                self._findings.values(),
                key=lambda finding: (order.index(finding.severity), finding.file, finding.reason),
            )
        )

    def count(self, reason: str) -> int:
        """How often a reason was found, in all files."""
        return sum(finding.count for finding in self if finding.reason == reason)

    def lines(self) -> Iterator[str]:
        """The report as text, a line a finding, its examples below it."""
        for finding in self:
            yield f"{finding.severity.value}: {finding.file}: {finding.reason} ({finding.count}x)"
            for example in finding.examples:
                place = f"line {example.line}" if example.line is not None else "file"
                yield f"    {place}: {example.quote}" if example.quote else f"    {place}"
            if finding.count > len(finding.examples):
                yield f"    and {finding.count - len(finding.examples)} more"

    def as_data(self) -> list[dict[str, object]]:
        """The report as plain data, to be kept beside an import."""
        return [
            {
                "severity": finding.severity.value,
                "file": finding.file,
                "reason": finding.reason,
                "count": finding.count,
                "examples": [[example.line, example.quote] for example in finding.examples],
            }
            for finding in self
        ]


class SourceBroken(Exception):
    """A source that cannot be imported; `report` says why. Nothing was written."""

    def __init__(self, report: Report) -> None:
        self.report = report
        super().__init__("\n".join(report.lines()))
