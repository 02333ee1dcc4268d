"""What both ways took and reached, and whether that is as much sooner, and the same, as it should be."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scipy.stats import t

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TARGET = 10.0
"""How many times sooner the sweep must end."""

ERROR = 0.01
"""Chance that two ways that agree are told apart, of each of the two tests."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """All configurations, trained one way."""

    wall: float
    """Seconds from the start of the command to its end."""
    cpu: float
    """CPU seconds of its processes."""
    accuracies: tuple[float, ...]
    """Best validation accuracy of each configuration over its epochs."""
    seconds: tuple[float, ...]
    """Of each configuration."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far the accuracies of two ways lie apart, and how far two seeds of one way do."""

    mean: float
    """Mean of the paired differences, the sweep's minus the plain loop's."""
    half: float
    """Half of the interval of that mean, by Student's t with n - 1 degrees of freedom, at 1 - `ERROR`."""
    largest: float
    """The largest difference of one configuration, without its sign."""
    allowed: float
    """What two seeds of one configuration differ by at most: Student's t at 1 - `ERROR`, shared among n
    configurations, times the root of the mean square of n differences between two seeds."""

    @property
    def reached(self) -> bool:
        """Whether the mean's interval has 0 in it, and no configuration differs by more than two seeds do."""
        return abs(self.mean) <= self.half and self.largest <= self.allowed


def agreement(ours: Sequence[float], plain: Sequence[float], reseeded: Sequence[float]) -> Agreement:
    """Compare accuracies by configuration; `reseeded`: the sweep's configurations with other seeds."""
    count = len(ours)
    differences = [one - other for one, other in zip(ours, plain, strict=True)]
    of_seeds = math.sqrt(statistics.mean((one - other) ** 2 for one, other in zip(ours, reseeded, strict=True)))
    spread = statistics.stdev(differences) / math.sqrt(count)
    return Agreement(
        mean=statistics.mean(differences),
        half=float(t.ppf(1 - ERROR / 2, count - 1)) * spread,
        largest=max(map(abs, differences)),
        allowed=float(t.ppf(1 - ERROR / 2 / count, count)) * of_seeds,
    )


def speedup(ours: Run, plain: Run) -> float:
    """How many times sooner: a busy machine makes the loop's clock slower than its CPU, so the smaller counts."""
    return min(plain.wall, plain.cpu) / ours.wall


def table(configs: Sequence[Mapping[str, Any]], ours: Run, plain: Run, reseeded: Sequence[float]) -> list[str]:
    """Return a line for each configuration, below one of headings."""
    headings = "lr", "batch", "plain", "sweep", "difference", "other seed", "plain s", "sweep s"
    lines = ["".join(text.rjust(12) for text in headings)]
    rows = zip(configs, plain.accuracies, ours.accuracies, reseeded, plain.seconds, ours.seconds, strict=True)
    for config, theirs, our, other, their_s, our_s in rows:
        accuracies = f"{theirs:.4f}", f"{our:.4f}", f"{our - theirs:+.4f}", f"{other:.4f}"
        cells = f"{config['lr']:.6f}", str(config["batch_size"]), *accuracies, f"{their_s:.1f}", f"{our_s:.1f}"
        lines.append("".join(text.rjust(12) for text in cells))
    return lines


def verdict(ours: Run, plain: Run, reseeded: Sequence[float]) -> tuple[list[str], int]:
    """Return what is to be said of both ways, and the exit code: 0 where both targets are reached, else 1."""
    apart, times = agreement(ours.accuracies, plain.accuracies, reseeded), speedup(ours, plain)
    fast = "reached" if times >= TARGET else "MISSED"
    same = "reached" if apart.reached else "MISSED"
    lines = [
        f"plain loop: {plain.wall:.1f} s on the clock, {plain.cpu:.1f} CPU s; the smaller counts",
        f"sweep run: {ours.wall:.1f} s on the clock, Ray's start and end included",
        f"mean difference of the accuracies {apart.mean:+.4f}, its {1 - ERROR:.0%} interval +-{apart.half:.4f}",
        f"largest difference {apart.largest:.4f}, two seeds differ by at most {apart.allowed:.4f}",
        f"{times:.1f} times faster (target {TARGET:.0f}): {fast}",
        f"accuracies agree within seed noise: {same}",
    ]
    return lines, 0 if times >= TARGET and apart.reached else 1
