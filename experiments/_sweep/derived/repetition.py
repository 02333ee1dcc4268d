"""An experiment that searches nothing: given configurations, each trained as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from experiments._sweep.experiment import Experiment
from experiments._sweep.policy import Proposal
from experiments._sweep.redaction import Secrets
from search_spaces import SearchSpace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from experiments._sweep.policy import Observation, Scheduler


@dataclass(frozen=True, kw_only=True)
class Given:
    """Proposes given configurations in their order."""

    configurations: tuple[dict[str, Any], ...]
    """Whole configurations, seeds included."""
    origins: tuple[str, ...]
    """Where each comes from, in words."""

    def faults(self, space: SearchSpace) -> list[str]:
        """Nothing: the trainable has been asked."""
        return []

    def in_words(self, space: SearchSpace) -> list[str]:
        """How many there are."""
        return [f"{len(self.configurations)} given configurations, in their order."]

    def propose(
        self, space: SearchSpace, observations: Sequence[Observation], *, trial: int, seed: int
    ) -> Proposal | None:
        """Configuration number `trial`; None where there is none."""
        if trial >= len(self.configurations):
            return None
        return Proposal(config=dict(self.configurations[trial]), origin=self.origins[trial])


class Nowhere(SearchSpace):
    """A space without dimensions, which has every configuration: nothing is looked for."""

    def __post_init__(self) -> None:
        """Lets the empty space pass."""


@dataclass(frozen=True, kw_only=True)
class Repetition(Experiment):
    """An experiment whose `search` is `Given`, without a space. Its configurations were checked by their sweep."""

    search: Given
    common: Mapping[str, Any] = field(default_factory=dict)
    """The constants of the space that was searched: its secrets are in no record."""

    def __post_init__(self) -> None:
        """Checks nothing: a later version may refuse what was trained."""

    @property
    def searched(self) -> SearchSpace:
        """Nothing."""
        return Nowhere({})

    def samples(self) -> Iterator[dict[str, Any]]:
        """All its configurations."""
        return map(self.whole, self.search.configurations)

    @property
    def constants(self) -> Mapping[str, Any]:
        """Those of the space that was searched."""
        return self.common

    @cached_property
    def secrets(self) -> Secrets:
        """Those of the space that was searched."""
        return Secrets.of(self.common, getattr(self.trainable, "config_type", None), self.metric)

    def budget(self, config: Mapping[str, Any]) -> int:
        """The epochs of a trial with this configuration: those that it was given."""
        return int(config.get("epochs", self.epochs))


def repetition(
    experiment: Experiment,
    configurations: Sequence[Mapping[str, Any]],
    origins: Sequence[str],
    scheduler: Scheduler,
    **changed: Any,
) -> Repetition:
    """The experiment with given configurations in place of its search.

    Args:
        experiment: Gives trainable, metric, mode, epochs, resources and seed.
        configurations: Whole ones, in the order in which they are trained.
        origins: Where each comes from, in words.
        scheduler: Who stops trials early.
        **changed: Other fields of the experiment.
    """
    resources = ("cpus_per_trial", "gpus_per_trial", "resources_per_trial")
    fields = ("trainable", "metric", "mode", "epochs", "seed", *resources)
    kept = {name: getattr(experiment, name) for name in fields} | changed
    given = Given(configurations=tuple(dict(each) for each in configurations), origins=tuple(origins))
    common, trials = experiment.constants, len(configurations)
    return Repetition(**kept, space={}, search=given, scheduler=scheduler, num_trials=trials, common=common)
