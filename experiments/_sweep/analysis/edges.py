"""Ranges at whose end the leading trials crowd: the best value may well lie beyond it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.leading import leading
from experiments._sweep.analysis.searched import searched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from experiments._sweep.analysis.axis import Axis
    from experiments._sweep.ledger.history import History

BAND = 0.125
"""The end of a range: so much of its scale."""
FEW_VALUES = 10
"""Up to so many integers, the end is the last value alone."""
FEWEST = 3
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One end of one range."""

    name: str
    """The hyperparameter."""
    side: str
    """`lower` or `upper`."""
    bound: float
    until: float
    """Where the end begins: it lies between here and the bound."""
    crowded: int
    """Leading trials in it."""
    leading: int
    """Leading trials that have the hyperparameter."""
    expected: float
    """How many of them would be in it by chance."""
    best: bool
    """Whether the best trial is among them."""
    natural: bool
    """Whether there may be nothing beyond: a lower bound of 0, a count of 1, a share of 1 on a linear scale."""
    wider: float | None
    """A bound to try next, None where `natural`."""
    sentence: str


@dataclass(frozen=True)
class _End:
    side: str
    bound: float
    until: float
    share: float
    """Its part of the range, by the probabilities of the space."""
    beside: tuple[float, float]
    """A stretch of the same width beside it."""


def at_edges(history: History) -> tuple[Edge, ...]:
    """The ends at which more of the leading trials lie than chance explains, and not far more beside it.

    Judged by the binomial distribution, at 5 % for all ends of all ranges together (Bonferroni); choices and grids of
    numbers count as ranges. Nothing is said of fewer than 10 trials.
    """
    found, best = searched(history), leading(history)
    if found is None or not best:
        return ()
    ends = [(axis, end) for axis in found.axes for end in _ends(axis)]
    edges = []
    for axis, end in ends:
        values = [row[axis.name] for number in best if axis.name in (row := found.values[number])]
        crowded = sum(_within(value, end.until, end.bound) for value in values)
        beside = sum(_within(value, *end.beside) and not _within(value, end.until, end.bound) for value in values)
        if (
            crowded >= FEWEST
            and 2 * crowded > beside
            and end.share > 0
            and _tail(crowded, len(values), end.share) <= LEVEL / len(ends)
        ):
            first = found.values[best[0]].get(axis.name)
            edges.append(_edge(axis, end, crowded, len(values), best=_within(first, end.until, end.bound)))
    return tuple(sorted(edges, key=lambda each: -each.crowded / each.leading))


def _ends(axis: Axis) -> Iterator[_End]:
    """Both ends of a range; none for what has no order or no bounds of its own."""
    ordered = _ordered(axis)
    if ordered:
        sides = (("lower", ordered[0], ordered[1]), ("upper", ordered[-1], ordered[-2]))
        for side, bound, next_one in sides:
            number = axis.number_of(bound)
            share = axis.probabilities[number] if number is not None and axis.probabilities else 1 / len(ordered)
            yield _End(side, bound, bound, share, (next_one, next_one))
    elif axis.numeric and axis.read and axis.lower is not None and axis.upper is not None and axis.upper > axis.lower:
        lower, upper = _scale(axis, axis.lower), _scale(axis, axis.upper)
        width = BAND * (upper - lower)
        bands = (("lower", lower + width, lower + 2 * width), ("upper", upper - width, upper - 2 * width))
        for side, until, further in bands:
            exact = axis.lower if side == "lower" else axis.upper
            begins, further_in = _unscale(axis, until), _unscale(axis, further)
            yield _End(side, exact, begins, BAND, (further_in, begins))


def _ordered(axis: Axis) -> Sequence[Any]:
    """The values of a choice of numbers, or of a few integers, ascending; empty for anything else."""
    if axis.kind == "int" and axis.read and axis.lower is not None and axis.upper is not None and not axis.log:
        step = int(axis.step or 1)
        values = range(int(axis.lower), int(axis.upper) + 1, step)
        return values if 2 < len(values) <= FEW_VALUES else ()
    if axis.kind in ("choice", "grid") and axis.read and len(axis.categories) > 2:
        is_number = (isinstance(each, int | float) and not isinstance(each, bool) for each in axis.categories)
        return sorted(axis.categories) if all(is_number) else ()
    return ()


def _scale(axis: Axis, value: float) -> float:
    return math.log(value) if axis.log else value


def _unscale(axis: Axis, value: float) -> float:
    return math.exp(value) if axis.log else value


def _within(value: Any, one: float, other: float) -> bool:
    if value is None:
        return False
    slack = 1e-9 * max(abs(one), abs(other))
    return bool(min(one, other) - slack <= value <= max(one, other) + slack)


def _tail(count: int, of: int, share: float) -> float:
    """How probable so many or more are by chance."""
    return sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(count, of + 1))


def _edge(axis: Axis, end: _End, crowded: int, of: int, *, best: bool) -> Edge:
    natural = _is_natural(axis, end)
    wider = None if natural else _wider(axis, end)
    first, last = sorted((end.until, end.bound))
    where = f"at {end.bound:.4g}" if first == last else f"between {first:.3g} and {last:.3g}"
    told = f"{crowded} of the {of} leading trials have {axis.name} {where}, the {end.side} end of what was searched"
    advice = f"try values as far as {wider:.4g}" if wider is not None else _fixed(axis, end, best=best)
    return Edge(
        name=axis.name,
        side=end.side,
        bound=end.bound,
        until=end.until,
        crowded=crowded,
        leading=of,
        expected=end.share * of,
        best=best,
        natural=natural,
        wider=wider,
        sentence=f"{told} (chance alone would put {end.share * of:.1f} there): {advice}.",
    )


def _fixed(axis: Axis, end: _End, *, best: bool) -> str:
    said = "there may be nothing beyond"
    return (
        said
        if axis.conditional or not best
        else f"{said}, and it can be fixed there: --set {axis.name}={end.bound:.4g}"
    )


def _is_natural(axis: Axis, end: _End) -> bool:
    if end.side == "lower":
        return end.bound == 0 or (end.bound == 1 and _counts(axis))
    return end.bound == 1 and not axis.log and not _counts(axis)


def _counts(axis: Axis) -> bool:
    return axis.kind == "int" or (bool(axis.categories) and all(isinstance(each, int) for each in axis.categories))


def _wider(axis: Axis, end: _End) -> float:
    """A decade more on a log scale of real numbers, twice as much of integers; else half of the range more.

    What was above 0 or below 1 stays there.
    """
    bounds = sorted(axis.categories) if axis.categories else [axis.lower or 0.0, axis.upper or 0.0]
    lower, upper = bounds[0], bounds[-1]
    steep = axis.log or (bool(axis.categories) and lower > 0 and upper / lower >= 2 ** (len(bounds) - 1))
    if steep:
        factor = 2 if _counts(axis) else 10
        wider = end.bound * factor if end.side == "upper" else end.bound / factor
        return max(1, math.floor(wider)) if _counts(axis) else wider
    reach = (upper - lower) / 2
    if end.side == "lower":
        wider = max(lower / 10, lower - reach) if lower > 0 else lower - reach
        return math.floor(wider) if _counts(axis) else wider
    wider = upper + reach
    wider = min(1.0, wider) if lower >= 0 and upper < 1 else wider
    return math.ceil(wider) if _counts(axis) else wider
