"""What one bar prints, and the measures shared by all bars."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """One line: what was measured, the figure, the bar it must reach, the reference and the best baseline."""

    number: int
    subject: str
    figure: str
    bar: str
    reference: str
    baseline: str
    reached: bool

    def line(self) -> str:
        verdict = "reached" if self.reached else "missed"
        return (
            f"{self.number:>2} {self.subject} | {self.figure} | bar {self.bar} | reference {self.reference}"
            f" | baseline {self.baseline} | {verdict}"
        )
