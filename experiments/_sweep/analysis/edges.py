"""Ranges at whose end the leading trials crowd: the best value may well lie beyond it.

Crowd there means: more of them lie there than of all that was tried, for a searcher tries some places more than others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.leading import leading, places
from experiments._sweep.analysis.searched import searched
from experiments._sweep.analysis.widening import fixed_there, is_natural, wider_bound
from experiments._sweep.views.words import setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from experiments._sweep.analysis.axis import Axis
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.history import History

BAND = 0.125
"""The end of a range: so much of its scale."""
FEW_VALUES = 10
"""Up to so many integers, the end is the last value alone."""
FEWEST = 3
LEVEL = 0.05
_ROUNDING = 1e-9
"""What arithmetic may have added to a number of steps."""
NEARLY_ALL = 0.75
"""Where the search itself went to an end with so many of its trials, nothing else is left to compare them with."""
NOT_LED = ("random", "grid", "start point")
"""Origins of trials that no searcher led anywhere."""


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
    tried: int
    """Trials with a value that lie in it, leading or not."""
    among: int
    """Trials with a value that have the hyperparameter."""
    expected: float
    """How many of the leading ones would be in it if they were like all that were tried."""
    led: bool
    """Whether the search itself went there with nearly all of its trials, so that they prove nothing."""
    best: bool
    """Whether the best trial is among them."""
    natural: bool
    """Whether there may be nothing beyond: a lower bound of 0, a count of 1, a share of 1 on a linear scale."""
    wider: float | None
    """A bound to try next, None where `natural`."""
    where: str
    """`at 16`, or `between 0.857 and 0.98`."""
    counts: str
    """How many of the leading trials lie there, and of all."""
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


@dataclass(frozen=True)
class _Tried:
    """The trials with a value, the leading ones, and which of them the searcher led."""

    found: Searched
    able: list[int]
    best: list[int]
    led: frozenset[int]

    def of(self, axis: Axis, numbers: Iterable[int]) -> list[Any]:
        """What those of the trials that have the axis have of it."""
        return [row[axis.name] for number in numbers if axis.name in (row := self.found.values.get(number, {}))]


def at_edges(history: History) -> tuple[Edge, ...]:
    """The ends at which the leading trials crowd, as compared with all that were tried, and not far more beside it.

    Judged by the hypergeometric distribution (Fisher's exact test), at 5 % for all ends of all ranges together
    (Bonferroni); choices and grids of numbers count as ranges. An end to which the searcher went with nearly all of its
    trials, far more than the space by itself would have put there, is named as such: no others are left to compare the
    leading ones with. Nothing is said of fewer than 10 trials.
    """
    found, best, ended = searched(history), leading(history), places(history)
    if found is None or not best:
        return ()
    able = [trial.number for trial in history.by_rank() if trial.number in ended]
    led = frozenset(number for number in able if history.trials[number].origin not in NOT_LED)
    tried = _Tried(found, able, best, led)
    ends = [(axis, end) for axis in found.axes for end in _ends(axis)]
    edges = [edge for axis, end in ends if (edge := _crowded(tried, axis, end, LEVEL / max(1, len(ends))))]
    return tuple(sorted(edges, key=lambda each: (each.led, -each.crowded / each.leading)))


def _crowded(tried: _Tried, axis: Axis, end: _End, level: float) -> Edge | None:
    """The end, where the leading trials crowd at it or nearly all of the search went there."""
    best, able = tried.of(axis, tried.best), tried.of(axis, tried.able)
    crowded, inside = _count(best, end), _count(able, end)
    beside = sum(_within(value, *end.beside) and not _within(value, end.until, end.bound) for value in best)
    first = tried.found.values.get(tried.best[0], {}).get(axis.name)
    counts = (crowded, len(best), inside, len(able))
    if tried.best[0] in tried.led and _is_on(axis, end, first):
        return _edge(axis, end, counts, why="on", first=first)
    if crowded < FEWEST or 2 * crowded <= beside:
        return None
    stands_out = _drawn(crowded, len(best), inside, len(able)) <= level
    led = tried.of(axis, tried.led)
    went = (
        end.share > 0
        and _count(led, end) >= NEARLY_ALL * max(1, len(led))
        and inside >= NEARLY_ALL * len(able)
        and crowded >= NEARLY_ALL * len(best)
        and _tail(_count(led, end), len(led), end.share) <= level
    )
    if not stands_out and not went:
        return None
    return _edge(axis, end, counts, why="more" if stands_out else "led", first=first)


def _is_on(axis: Axis, end: _End, value: Any) -> bool:
    """Whether a value is the very bound of a continuous range, where a searcher puts it that wants to go on."""
    continuous = axis.kind == "float" and not axis.step and not is_natural(axis, end.side, end.bound)
    return continuous and _within(value, end.bound, end.bound)


def _count(values: Iterable[Any], end: _End) -> int:
    return sum(_within(value, end.until, end.bound) for value in values)


def has_ends(axis: Axis) -> bool:
    """Whether leading trials could crowd at an end of it: not where there is no order, or are no bounds of its own."""
    return any(True for _ in _ends(axis))


def _ends(axis: Axis) -> Iterator[_End]:
    """Both ends of a range; none for what has no order or no bounds of its own."""
    ordered = _ordered(axis)
    if ordered:
        sides = (("lower", ordered[0], ordered[1]), ("upper", ordered[-1], ordered[-2]))
        for side, bound, next_one in sides:
            number = axis.number_of(bound)
            share = (
                axis.probabilities[number] if number is not None and axis.probabilities else _part(axis, bound, bound)
            )
            yield _End(side, bound, bound, share, (next_one, next_one))
    elif axis.numeric and axis.read and axis.lower is not None and axis.upper is not None and axis.upper > axis.lower:
        lower, upper = _scale(axis, axis.lower), _scale(axis, axis.upper)
        width = BAND * (upper - lower)
        bands = (("lower", lower + width, lower + 2 * width), ("upper", upper - width, upper - 2 * width))
        for side, until, further in bands:
            exact = axis.lower if side == "lower" else axis.upper
            begins, further_in = _unscale(axis, until), _unscale(axis, further)
            yield _End(side, exact, begins, _part(axis, *sorted((begins, exact))), (further_in, begins))


def _part(axis: Axis, first: float, last: float) -> float:
    """How probable a draw between the two is, which lie in the range of an axis and one of them at its end.

    In steps, it is that of the values which are there: an end of a few integers holds more than its width, or less.
    """
    lower, upper, step = axis.lower or 0.0, axis.upper or 0.0, axis.step
    if not step:
        return BAND
    first, last = math.ceil(first / step - _ROUNDING) * step, math.floor(last / step + _ROUNDING) * step
    if axis.kind == "int" and step == 1:  # drawn from the reals up to the next one, and cut
        last, upper = last + 1, upper + 1
    else:  # rounded, so that a bound gets half of what the others get
        first, last = max(lower, first - step / 2), min(upper, last + step / 2)
    return (_scale(axis, last) - _scale(axis, first)) / (_scale(axis, upper) - _scale(axis, lower))


def _ordered(axis: Axis) -> Sequence[Any]:
    """The values of a choice of numbers, or of a few integers, ascending; empty for anything else."""
    if axis.kind == "int" and axis.read and axis.lower is not None and axis.upper is not None and not axis.log:
        step = int(axis.step or 1)
        lower, upper = int(axis.lower), int(axis.upper)
        is_few = 2 <= (upper - lower) // step < FEW_VALUES
        return range(lower, upper + 1, step) if is_few else ()
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


def _drawn(count: int, of: int, good: int, among: int) -> float:
    """How probable so many or more of the good ones are where as many are drawn without looking."""
    ways = sum(math.comb(good, k) * math.comb(among - good, of - k) for k in range(count, min(of, good) + 1))
    return ways / math.comb(among, of)


def _edge(axis: Axis, end: _End, counts: tuple[int, int, int, int], *, why: str, first: Any) -> Edge:
    """What is said of an end.

    `why` is `more` where the leading trials crowd there, `led` where the search did, `on` where the best trial has the
    bound itself.
    """
    crowded, of, tried, among = counts
    natural, best = is_natural(axis, end.side, end.bound), _within(first, end.until, end.bound)
    wider = None if natural else wider_bound(axis, end.side, end.bound)
    low, high = sorted((end.until, end.bound))
    where = f"at {end.bound:.4g}" if low == high else f"between {low:.3g} and {high:.3g}"
    told = f"{crowded} of {of} leading trials have it {where}, of all trials {tried} of {among}"
    if why == "on":
        told = f"the search came to the bound itself with the best trial; {told}"
    if why == "led":
        told = (
            f"the search itself went there: {tried} of {among} trials have it {where}, and {crowded} of the {of} "
            "leading ones, so nothing tells them from the others"
        )
    if first is not None and not best:
        told += f"; the best one has {setting(first)}, further inside"
    advice = (
        f"try values as far as {wider:.4g}" if wider is not None else fixed_there(axis, end.side, end.bound, best=best)
    )
    return Edge(
        name=axis.name,
        side=end.side,
        bound=end.bound,
        until=end.until,
        crowded=crowded,
        leading=of,
        tried=tried,
        among=among,
        expected=of * tried / among,
        led=why == "led",
        best=best,
        natural=natural,
        wider=wider,
        where=where,
        counts=told,
        sentence=f"{axis.name}, {end.side} end of what was searched: {told}. So {advice}.",
    )
