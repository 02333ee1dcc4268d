"""What was searched, and what each trial had of it: as the ledger's space says, or as its configurations show."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.axis import Axis, from_values, identity, is_number, told_apart
from experiments._sweep.ledger.trial_history import flat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiments._sweep.ledger.history import History
    from search_spaces import Dimension, SearchSpace


@dataclass(frozen=True, kw_only=True)
class Searched:
    """The searched dimensions of a sweep and the values of its trials."""

    axes: tuple[Axis, ...]
    """In the order of the space."""
    values: dict[int, dict[str, Any]] = field(repr=False)
    """Trial to the name of an axis to its value, where the trial has it."""
    note: str = ""
    """What could not be read from the space, in a sentence; empty where all was."""

    def axis(self, name: str) -> Axis:
        """The axis of a name."""
        return next(each for each in self.axes if each.name == name)

    def position(self, axis: Axis, value: Any) -> float | None:
        """Where a value lies on its axis, from 0 to 1 on the axis' own scale; None for one that has no place there."""
        if not axis.numeric:
            number = axis.number_of(value)
            return None if number is None else (number + 0.5) / len(axis.categories)
        lower, upper = self.bounds(axis)
        scaled = [_scaled(each, log=axis.log) for each in (value, lower, upper)]
        at, start, end = scaled
        if at is None or start is None or end is None:
            return None
        return 0.5 if end == start else min(1.0, max(0.0, (at - start) / (end - start)))

    def bounds(self, axis: Axis) -> tuple[float, float]:
        """The ends of a numeric axis; where it has none, the least and the largest value that was tried."""
        seen = [row[axis.name] for row in self.values.values() if axis.name in row]
        lower = axis.lower if axis.lower is not None else min(seen, default=0.0)
        upper = axis.upper if axis.upper is not None else max(seen, default=1.0)
        return lower, upper


def searched(history: History) -> Searched | None:
    """What the trials of a sweep were searched over; None where nothing was.

    A space that this version cannot read (an older or a foreign one) is guessed from the configurations, which `note`
    says.
    """
    configs = {number: trial.config for number, trial in history.trials.items()}
    space, why = _space(history.asks.get("space") or {})
    if space is None:
        axes, values = _guessed(configs)
        return Searched(axes=axes, values=values, note=why) if axes else None
    if not space.dimensions:
        return None
    axes = tuple(map(_axis, space.dimensions))
    rows, strangers = {}, []
    for number, config in configs.items():
        found = space.values_of(config)
        if found is None:
            strangers.append(number)
        rows[number] = _row(space, axes, found, config)
    return Searched(axes=_with_seen(axes, rows), values=rows, note=_strangers(strangers))


def _space(written: Mapping[str, Any]) -> tuple[SearchSpace | None, str]:
    from search_spaces import SearchSpace, from_json

    try:
        return SearchSpace(from_json(written)), ""
    except (ValueError, TypeError, LookupError, AttributeError) as error:  # whatever another version may have written
        return None, (
            f"The space of this sweep cannot be read ({error}); its ranges are those of the values that were tried."
        )


def _axis(dimension: Dimension) -> Axis:
    known: dict[str, Any] = {"name": dimension.name, "conditional": bool(dimension.when)}
    if dimension.kind in ("float", "int"):
        return Axis(
            **known,
            kind=dimension.kind,
            lower=dimension.lower,
            upper=dimension.upper,
            log=dimension.log,
            step=dimension.step,
            mean=dimension.mean,
            sd=dimension.sd,
        )
    if dimension.kind == "function":
        return Axis(**known, kind="other")
    categories = dimension.labels if dimension.kind == "branch" else dimension.categories
    return Axis(
        **known,
        kind=dimension.kind,
        categories=tuple(categories),
        probabilities=dimension.probabilities,
        labels=told_apart(categories),
    )


def _row(
    space: SearchSpace, axes: Sequence[Axis], found: Mapping[Any, Any] | None, config: Mapping[str, Any]
) -> dict[str, Any]:
    """What a trial has of the axes; one that the space does not have, of a space before it, by the names alone."""
    if found is None:
        given = flat(dict(config))
        return {axis.name: given[axis.name] for axis in axes if axis.name in given and _fits(axis, given[axis.name])}
    pairs = zip(space.dimensions, axes, strict=True)
    return {
        axis.name: axis.labels[found[dimension.path]] if axis.kind == "branch" else found[dimension.path]
        for dimension, axis in pairs
        if dimension.path in found
    }


def _fits(axis: Axis, value: Any) -> bool:
    """Whether a value can lie on an axis: not a text among numbers, nor a fraction among integers."""
    return not axis.numeric or (is_number(value) and (axis.kind == "float" or float(value).is_integer()))


def _with_seen(axes: Sequence[Axis], rows: Mapping[int, Mapping[str, Any]]) -> tuple[Axis, ...]:
    """The axes; computed ones become what their values are, and ranges and choices take in what lies outside them."""
    made = []
    for axis in axes:
        seen = [row[axis.name] for row in rows.values() if axis.name in row]
        if axis.kind == "other":
            made.append(from_values(axis.name, seen, conditional=axis.conditional) or axis)
        elif axis.numeric and axis.lower is not None and axis.upper is not None:
            lower, upper = min([axis.lower, *seen]), max([axis.upper, *seen])
            log = axis.log and lower > 0
            made.append(dataclasses.replace(axis, lower=lower, upper=upper, log=log))
        elif not axis.numeric and any(axis.number_of(value) is None for value in seen):
            more = {identity(each): each for each in [*axis.categories, *seen]}
            categories = tuple(more.values())
            never = (0.0,) * (len(categories) - len(axis.categories))
            probabilities = (*axis.probabilities, *never)
            made.append(
                dataclasses.replace(
                    axis, categories=categories, labels=told_apart(categories), probabilities=probabilities
                )
            )
        else:
            made.append(axis)
    return tuple(made)


def _guessed(configs: Mapping[int, Mapping[str, Any]]) -> tuple[tuple[Axis, ...], dict[int, dict[str, Any]]]:
    """The keys under which the configurations differ; the seed of a trial is none of them."""
    rows = {number: flat(dict(config)) for number, config in configs.items()}
    names = dict.fromkeys(name for row in rows.values() for name in row if name != "seed")
    axes = []
    for name in names:
        seen = [row[name] for row in rows.values() if name in row]
        differ = len({identity(value) for value in seen}) > 1
        if differ and (axis := from_values(name, seen, conditional=len(seen) < len(rows))):
            axes.append(axis)
    kept = {axis.name for axis in axes}
    return tuple(axes), {n: {name: value for name, value in row.items() if name in kept} for n, row in rows.items()}


def _strangers(trials: Sequence[int]) -> str:
    if not trials:
        return ""
    which = ", ".join(map(str, trials[:5])) + (f" and {len(trials) - 5} more" if len(trials) > 5 else "")
    return (
        f"The space was changed while the sweep ran: of trial{'' if len(trials) == 1 else 's'} {which}, which it does "
        "not have any more, only what goes by the same name is used."
    )


def _scaled(value: Any, *, log: bool) -> float | None:
    if not is_number(value) or (log and value <= 0):
        return None
    return math.log(value) if log else float(value)
