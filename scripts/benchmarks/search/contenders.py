"""Who is compared: this package's searchers and Optuna's samplers, asked and told one trial after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from experiments import searchers
from experiments._sweep.policy import Observation
from scripts.benchmarks.search.peers import OptunaSampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.policy import Searcher
    from search_spaces import SearchSpace

OURS = ("random", "hyperopt", "bayesopt")
PEERS = ("optuna-tpe", "optuna-gp")


class Contender(Protocol):
    """Suggests configurations and learns of their values."""

    def ask(self) -> dict[str, Any] | None:
        """Return the configuration of the next trial; None when the space is exhausted."""

    def tell(self, value: float | None) -> None:
        """Learn the value of the configuration that was asked for last; None: its trial failed."""


class OurSearcher:
    """A searcher of this package over the trials so far."""

    def __init__(
        self, searcher: Searcher, space: SearchSpace, seed: int, *, earlier: Sequence[Observation] = ()
    ) -> None:
        self._earlier = list(earlier)
        self._searcher, self._space, self._seed = searcher, space, seed
        self._observations: list[Observation] = []
        self._asked: dict[str, Any] = {}

    def ask(self) -> dict[str, Any] | None:
        """Return the next configuration."""
        trial = len(self._observations)
        proposal = self._searcher.propose(
            self._space, [*self._earlier, *self._observations], trial=trial, seed=self._seed
        )
        if proposal is None:
            return None
        self._asked = proposal.config
        return proposal.config

    def tell(self, value: float | None) -> None:
        """Learn its value, as that of a trial of one epoch; a failed one has diverged."""
        self._observations.append(
            Observation(
                trial=len(self._observations),
                config=self._asked,
                losses={} if value is None else {1: value},
                ending="diverged" if value is None else "completed",
            )
        )


def contender(name: str, space: SearchSpace, seed: int) -> Contender:
    """Return a fresh one by its name."""
    if name in PEERS:
        return OptunaSampler(name, space, seed)
    return OurSearcher(searchers.by_name(name), space, seed)
