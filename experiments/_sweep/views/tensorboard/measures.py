"""The metrics of a sweep as columns of the HParams tab, which shows the last value of a tag: so each has its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_OF_THE_TRIAL = "trial/"
"""Tags that stand for the trial, not for an epoch: the tab of curves sorts them behind most metrics."""
_UNSHOWN = ("epoch", "seconds", "samples_per_second")
_LARGEST = 3.4e38
"""TensorBoard keeps 32 bits of a number; what is larger becomes infinite there."""
_MOST_BESIDE = 8
"""Metrics beside the objective; the tab gets slow and wide with more."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One metric as the tab has it."""

    tag: str
    title: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The metrics of a sweep."""

    metric: str
    mode: str
    last_counts: bool
    """Whether the last value stands for a trial, and not the best."""
    described: Mapping[str, str]
    """Metric to what it means, as far as it is known."""
    keys: frozenset[str]
    """The names of hyperparameters, which many trainables report as well."""

    @property
    def objective(self) -> Measure:
        """What trials are compared by."""
        way = "lower" if self.mode == "min" else "higher"
        which = "the last value, which stands for the trial" if self.last_counts else "the best value so far"
        name = clean(self.metric)
        return Measure(
            tag=_tag(name),
            title=name if self.last_counts else f"best {name}",
            description=f"{which}; {way} is better{self._meaning(self.metric)}",
        )

    def shown(self, reported: Iterable[str]) -> tuple[Measure, ...]:
        """The columns in their order, the objective first, for what trials report, as far as it is known.

        The tab shows five unless asked for more.
        """
        name = clean(self.metric)
        at = "at the last epoch" if self.last_counts else f"at the epoch of the best {name}"
        beside = [
            Measure(tag=_tag(clean(other)), title=clean(other), description=f"{at}{self._meaning(other)}")
            for other in sorted(self.beside(reported), key=_importance)[:_MOST_BESIDE]
        ]
        curve_of_it = Measure(tag=name, title=f"last {name}", description="at the newest epoch")
        best_epoch = Measure(tag=_tag("best_epoch"), title="best epoch", description="the epoch of the best value")
        found = (
            self.objective,
            *beside[:1],
            *(() if self.last_counts else (curve_of_it, best_epoch)),
            Measure(tag=_tag("epochs"), title="epochs", description="epochs trained"),
            Measure(tag=_tag("seconds"), title="seconds", description="training time, in seconds"),
            *beside[1:],
        )
        return tuple({each.tag: each for each in reversed(found)}.values())[::-1]

    def beside(self, reported: Iterable[str]) -> list[str]:
        """The metrics that are shown beside the objective."""
        known = {*_UNSHOWN, "epochs", "best_epoch", self.metric, *self.keys}
        return [name for name in dict.fromkeys(reported) if name not in known and not name.startswith("best_")]

    def standing(
        self, metrics: Mapping[str, Any] | None, epoch: int | None, *, epochs: int, seconds: float
    ) -> dict[str, float]:
        """The numbers that stand for a trial by tag.

        Args:
            metrics: What it reported at the epoch that stands for it, None where there is none yet.
            epoch: That epoch.
            epochs: How many it was trained.
            seconds: How long.
        """
        values = {_tag("epochs"): float(epochs), _tag("seconds"): seconds}
        if metrics is None or epoch is None:
            return values
        if not self.last_counts:
            values[_tag("best_epoch")] = float(epoch)
        named = [*self.beside(metrics), self.metric]
        return values | {_tag(clean(name)): float(metrics[name]) for name in named if is_plotted(metrics[name])}

    def _meaning(self, name: str) -> str:
        return f": {clean(self.described[name])}" if self.described.get(name) else ""


def together(of_each: Sequence[Sequence[Measure]]) -> tuple[Measure, ...]:
    """The columns of several sweeps, objectives first; one that is not every sweep's objective goes by its bare name.

    Args:
        of_each: The columns of each sweep, as `shown` gives them.
    """
    objectives = {each[0].tag: each[0] for each in of_each}
    others = {measure.tag: measure for each in of_each for measure in each[1:] if measure.tag not in objectives}
    if len(objectives) == 1:
        return (*objectives.values(), *others.values())
    at = "at the epoch that stands for the trial, which is the best one by the metric of its sweep"
    named = [Measure(tag=tag, title=tag.removeprefix(_OF_THE_TRIAL), description=at) for tag in objectives]
    return (*named, *others.values())


def _tag(name: str) -> str:
    return _OF_THE_TRIAL + name


def _importance(name: str) -> tuple[bool, bool]:
    """What comes first: what was measured on other than training data; standard errors last."""
    return name.endswith("_se"), not name.startswith(("val_", "test_"))


def measures_of(asks: Mapping[str, Any], described: Mapping[str, str]) -> Measures:
    """The metrics of a sweep that asks so."""
    return Measures(
        metric=asks["metric"],
        mode=asks["mode"],
        last_counts=asks.get("counts") == "last",
        described=described,
        keys=frozenset(key.partition(".")[0] for key in asks.get("space") or ()),
    )


def is_plotted(value: Any) -> bool:
    """Whether it is a number that an axis has a place for: NaN and infinity leave a gap."""
    return isinstance(value, int | float) and -_LARGEST <= value <= _LARGEST


def curve(metrics: Mapping[str, Any]) -> dict[str, float]:
    """What is drawn of an epoch by tag."""
    return {clean(name): float(value) for name, value in metrics.items() if name != "epoch" and is_plotted(value)}
