"""What is measured of a sweep: a cell is a size of it, a measurement what its driver took."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WINDOW = 25
"""Trials that are taken together: of the windows the median counts, so that a hiccup of the machine does not."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A size of sweep."""

    seconds: float
    """How long a trial takes."""
    trials: int
    concurrent: int

    @property
    def name(self) -> str:
        """`1s-100-16`: trials of 1 s, 100 of them, 16 at a time."""
        return f"{self.seconds:g}s-{self.trials}-{self.concurrent}"

    @property
    def work_s(self) -> float:
        """What the trials themselves take, were nothing else to do."""
        return self.seconds * -(-self.trials // self.concurrent)


CELLS = {
    cell.name: cell
    for seconds, concurrent, trials in product((0.0, 1.0), (2, 16), (100, 1000))
    for cell in [Cell(seconds=seconds, trials=trials, concurrent=concurrent)]
}
QUICK = ("0s-100-2", "0s-1000-2")
KINDS = ("raysweeps", "tune")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One sweep of one kind."""

    cell: str
    kind: str
    walls: tuple[float, ...]
    """Seconds from the start of the command until a trial had ended, for each that did, in this order."""
    cpus: tuple[float, ...]
    """CPU seconds that the driver had taken by then."""
    seconds: float
    """From the start of the command to its end."""
    cpu: float
    """CPU seconds of the driver, all in all."""
    memory_mb: float
    """The driver's peak."""
    folder_bytes: int
    resume_s: float
    """From the start of the command until a further trial had ended, or until there was nothing to do."""

    @property
    def overhead_ms(self) -> float:
        """Milliseconds for each trial beside the trial itself, from the first that ended to the last."""
        cell, after = CELLS[self.cell], len(self.walls) - 1
        return 1000 * ((self.walls[-1] - self.walls[0]) / after - cell.seconds / cell.concurrent)

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of the driver for each trial, in the second half of the sweep."""
        return self.cpu_between(len(self.cpus) // 2, len(self.cpus))

    @property
    def growth(self) -> float:
        """How many times what a trial takes among the first third but one tenth it takes among the last third."""
        of = len(self.cpus)
        return self.cpu_between(2 * of // 3, of) / self.cpu_between(of // 10, of // 3 + of // 10)

    def cpu_between(self, first: int, last: int) -> float:
        """The median over windows of trials, in milliseconds."""
        steps = range(first, last - WINDOW, WINDOW) or range(first, first + 1)
        width = min(WINDOW, last - 1 - first)
        return statistics.median(1000 * (self.cpus[at + width] - self.cpus[at]) / width for at in steps)


def kept(file: Path | None) -> dict[tuple[str, str], Measurement]:
    """Return the measurements of a file, by cell and kind; none where there is no file."""
    if file is None or not file.exists():
        return {}
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    made = [Measurement(**{**each, "walls": tuple(each["walls"]), "cpus": tuple(each["cpus"])}) for each in found]
    return {(each.cell, each.kind): each for each in made}


def keep(file: Path | None, measurement: Measurement) -> None:
    """Append a measurement to a file, where there is one."""
    if file is not None:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(measurement)) + "\n")


def table(measurements: Sequence[Measurement]) -> list[str]:
    """Return a line for each measurement, below two of headings."""
    rows = [("cell", "", "first trial", "overhead", "driver's CPU", "growth", "memory", "folder", "resumed"),
            ("", "", "s", "ms a trial", "ms a trial", "times", "MB", "kB a trial", "s")]  # fmt: skip
    for each in measurements:
        cell = CELLS[each.cell]
        growth = f"{each.growth:.2f}" if cell.trials >= 20 * WINDOW else ""
        folder = f"{each.folder_bytes / 1000 / cell.trials:.1f}"
        numbers = [f"{each.walls[0]:.1f}", f"{each.overhead_ms:.1f}", f"{each.cpu_ms:.1f}", growth]
        rows.append((each.cell, each.kind, *numbers, f"{each.memory_mb:.0f}", folder, f"{each.resume_s:.1f}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in rows]
