"""What a judgement of scores over seeds consists of: values that `dataclasses.asdict` makes ready for JSON."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Score:
    """One configuration over its seeds."""

    values: tuple[float | None, ...]
    """By seed; None where it failed."""

    mean: float | None
    """Over the seeds that succeeded; None where none did."""

    low: float | None
    """Lower end of the interval of the mean; None for fewer than two values."""

    high: float | None
    """Upper end of it; the mean need not lie in the middle."""

    sd: float | None
    """Standard deviation over the seeds, n - 1 in the denominator; None for fewer than two values."""

    failed: int
    """How many seeds failed."""

    method: str
    """How the interval was found, in words."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One configuration minus another, seed by seed."""

    mean: float | None
    """Mean of the differences over the seeds that both have; None where there is none."""

    low: float | None
    """Lower end of the interval, at the level at which the comparison was tested; None where it has no end."""

    high: float | None
    """Upper end of it."""

    p: float | None
    """Two-sided p of no difference; None where nothing could be compared."""

    p_corrected: float | None
    """The same, for all comparisons that were made together (Holm 1979)."""

    tied: bool
    """Whether the two cannot be told apart: the interval contains 0."""

    method: str
    """How it was found, in words."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the scores of several configurations say."""

    scores: dict[str, Score]
    """By label, in the order given."""

    best: str | None
    """The label with the best mean among those with the fewest failed seeds, the first given of equal ones; None where
    nothing succeeded."""

    differences: dict[str, Difference]
    """Each other label minus the best."""

    notes: tuple[str, ...]
    """What is doubtful, in sentences."""
