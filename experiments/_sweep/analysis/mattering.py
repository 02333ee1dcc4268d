"""Which hyperparameters mattered, in words, and where the leading trials have them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.answer import Answer, begun_small, counted, listed, percent, told
from experiments._sweep.analysis.leading import leading, places

if TYPE_CHECKING:
    from experiments._sweep.analysis.axis import Axis
    from experiments._sweep.analysis.importance import Importance, Share
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.history import History


TEST = (
    "A hyperparameter stands out where shuffling the order of the trials gives any of them as much in at most 1 of 20 "
    "cases. That decides, not the whiskers, which say how far a share would move with other trials."
)
"""What the test is, in one line."""
_MOST_SHARED = 4


@dataclass(frozen=True, kw_only=True)
class Region:
    """Where the leading trials have one hyperparameter."""

    axis: Axis
    trials: int
    """Leading trials that have it."""
    low: Any = None
    high: Any = None
    """The least and the largest of their values; None for categories."""
    favourite: Any = None
    """The category that most of them have; None for numbers."""
    favoured: int = 0
    """How many have it."""
    width: float = 1.0
    """How much of the range lies between `low` and `high`, on its own scale, or how many of the categories occur."""


def regions(history: History, found: Searched) -> dict[str, Region]:
    """By name of the hyperparameter; those that none of the leading trials has are left out."""
    best = leading(history)
    made = {}
    for axis in found.axes:
        values = [found.values[number][axis.name] for number in best if axis.name in found.values[number]]
        if values:
            made[axis.name] = _region(found, axis, values)
    return made


def _region(found: Searched, axis: Axis, values: list[Any]) -> Region:
    if axis.numeric:
        low, high = min(values), max(values)
        first, last = found.position(axis, low), found.position(axis, high)
        width = 1.0 if first is None or last is None else last - first
        return Region(axis=axis, trials=len(values), low=low, high=high, width=width)
    [(label, count)] = Counter(axis.label(value) for value in values).most_common(1)
    occur = len({axis.label(value) for value in values})
    width = occur / max(1, len(axis.categories))
    return Region(axis=axis, trials=len(values), favourite=label, favoured=count, width=width)


def mattered(history: History, found: Searched | None, important: Importance) -> Answer:
    """What is told apart from chance, the largest share first."""
    question = "What mattered?"
    if important.reason:
        facts: dict[str, Any] = {"trials": important.trials, "shares": [], "reason": important.reason}
        return Answer(question=question, sentence=f"Not known: {begun_small(important.reason)}", facts=facts)
    stand_out = [each for each in important.shares if each.stands_out]
    where = {} if found is None else regions(history, found)
    more = [_where(where[each.name], found) for each in stand_out if found is not None and each.name in where]
    shared = _shared_in_words(history, found, where, {each.name for each in stand_out})
    facts = {
        "trials": important.trials,
        "leading": important.leading,
        "evaluator": important.evaluator,
        "paper": important.paper,
        "url": important.url,
        "shares": [vars(each) for each in important.shares],
        "stand_out": [each.name for each in stand_out],
        "explained": [TEST, *shared],
        "reason": "",
    }
    by = (
        f"Shares by {important.evaluator} ({important.paper}), with the range that 95 of 100 halves of the trials give."
    )
    sentence = _standing_out(important, stand_out)
    return Answer(question=question, sentence=sentence, more=(*more, *shared, by, *important.notes), facts=facts)


def _standing_out(important: Importance, stand_out: list[Share]) -> str:
    among = f"among the {important.leading} leading of {counted(important.trials, 'trial')}"
    if stand_out:
        verb = "decides" if len(stand_out) == 1 else "decide"
        others = len(important.shares) - len(stand_out)
        rest = "" if not others else f"; {_others(others)} not told apart from chance"
        return f"{listed([_share(each) for each in stand_out])} {verb} whether a trial gets {among}{rest}."
    return (
        f"None of {counted(len(important.shares), 'hyperparameter')} is told apart from chance: the largest share "
        f"in getting {among} is that of {_share(important.shares[0])}."
    )


def _shared_in_words(
    history: History, found: Searched | None, where: dict[str, Region], stand_out: set[str]
) -> list[str]:
    """Why what all the leading trials have alike may have a small share: most of the others have it as well."""
    alike = [each for each in where.values() if _is_alike(each) and each.axis.name not in stand_out]
    if found is None or not alike:
        return []
    ended = places(history)
    told_of = []
    for each in alike[:_MOST_SHARED]:
        name = each.axis.name
        had = [each.axis.label(row[name]) for number in ended if name in (row := found.values.get(number, {}))]
        told_of.append(f"{name} {each.favourite} ({had.count(str(each.favourite))} of {len(had)})")
    said = (
        f"All {alike[0].trials} leading trials have {listed(told_of)}; in brackets, how many of all trials have it. A "
        "share says what sets the leading trials apart from the others that were tried: what most of those have as "
        "well can matter much and have a small share."
    )
    return [said]


def _is_alike(region: Region) -> bool:
    several = len(region.axis.categories) > 1 and not region.axis.conditional
    return not region.axis.numeric and several and region.favoured == region.trials


def _share(each: Share) -> str:
    return f"{each.name} ({percent(each.share)}, {percent(each.low)} to {percent(each.high)})"


def _others(count: int) -> str:
    return "the other one is" if count == 1 else f"the other {count} are"


def _where(region: Region, found: Searched) -> str:
    axis = region.axis
    if axis.numeric:
        lower, upper = found.bounds(axis)
        said = f"from {told(region.low)} to {told(region.high)}; searched were {told(lower)} to {told(upper)}"
        return f"The {region.trials} leading trials that have {axis.name} have it {said}."
    return f"{region.favoured} of the {region.trials} leading trials that have {axis.name} have {region.favourite}."
