"""A `Searcher` of Ray Tune's, asked as ours are."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._sweep.foreign.asking import asking
from experiments._sweep.foreign.kinds import searcher_refusal
from experiments._sweep.foreign.merging import merged
from experiments._sweep.policy import Proposal
from search_spaces import searched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.policy import Observation
    from search_spaces import SearchSpace, Values

_TRIES = 100
"""Proposals in a row that `require` may refuse before one is drawn at random."""
_DRAWS = 1000
_PROBES = 20
"""Proposals that show, before anything starts, whether a searcher knows branches: many do not, and give them back as
they stand in the space."""
_STREAM = 3  # ours draw from stream 1, start points from stream 2
_WELL = ("completed", "stopped")


class ForeignSearcher:
    """Tells a copy of the object what happened since it was last asked, then asks it.

    A trial that failed is told as an error together with the worst value so far, so that whoever looks at the value
    learns from it. Trials whose configuration is not the object's own (start points, and what a copy that is no
    longer the same proposed otherwise) are added as evaluated points where it takes these, and not told where it does
    not. Where one value stands for a trial, it is the best, or the last where that counts.
    """

    def __init__(self, theirs: Any, *, metric: str, mode: str) -> None:
        self.name = type(theirs).__name__
        self.exhausted = True
        """Whether a proposal that was None means for ever, and not only for as long as trials run."""
        self._original = theirs
        self._theirs: Any = None
        self._metric, self._mode = metric, mode
        self._sign = 1.0 if mode == "min" else -1.0
        self._names: dict[int, str] = {}
        """Trial to the name under which the object knows its configuration."""
        self._told: dict[int, int] = {}
        """Trial to the last epoch that the object knows."""
        self._done: set[int] = set()

    def __str__(self) -> str:
        return self.name

    def faults(self, space: SearchSpace) -> list[str]:
        """What is wrong with it, tried out on a copy."""
        if refusal := searcher_refusal(self._original):
            return [refusal]
        if self._mode not in ("min", "max"):
            return []  # which is a fault of its own
        on_trial = ForeignSearcher(self._original, metric=self._metric, mode=self._mode)
        try:
            for trial in range(_PROBES if any(each.kind == "branch" for each in space.dimensions) else 1):
                on_trial.propose(space, [], trial=trial, seed=0)
        except Exception as error:  # noqa: BLE001 - whatever others raise is the fault
            return [f"search: {self.name} cannot search this space: {error}"]
        return []

    def in_words(self, space: SearchSpace) -> list[str]:
        """Whose it is, and what cannot be promised."""
        return [f"{self.name}, an object of Ray Tune's interface, proposes.", self.caveat]

    @property
    def caveat(self) -> str:
        """What cannot be promised, in one line."""
        return (
            f"{self.name} keeps its state in memory: after a lost driver the ended trials are told to it anew, and it "
            "may propose other configurations than it would have."
        )

    def propose(
        self, space: SearchSpace, observations: Sequence[Observation], *, trial: int, seed: int
    ) -> Proposal | None:
        """What the object suggests; at random where `require` refuses 100 suggestions in a row.

        Raises:
            RuntimeError: The object raised.
            ValueError: It proposed what the space does not have, or has ranges of its own.
        """
        self._begin(space)
        self._tell(space, observations)
        for attempt in range(_TRIES):
            name = f"{trial:04d}-{attempt}" if attempt else f"{trial:04d}"
            with asking(self.name, "searcher"):
                suggested = self._theirs.suggest(name)
            if not isinstance(suggested, Mapping):
                self._check_end(suggested)
                self.exhausted = suggested is not None or all(each.ending for each in observations)
                return None
            values = self._read(space, suggested)
            if space.allows(values):
                self._names[trial] = name
                return Proposal(config=space.configuration(values), origin=self.name)
            self._complete(name, self._penalty(observations), failed=True)
        return self._at_random(space, trial, seed)

    def disown(self, trial: int) -> None:
        """The trial got another configuration than was just proposed."""
        name = self._names.pop(trial, None)
        if name is not None:
            self._complete(name, None, failed=True)

    def _begin(self, space: SearchSpace) -> None:
        if self._theirs is not None:
            return
        with asking(self.name, "searcher"):
            theirs = copy.deepcopy(self._original)
            taken = theirs.set_search_properties(self._metric, self._mode, searched(space.space))
        if not taken:
            raise ValueError(
                f"{self.name} has ranges of its own already, and the experiment has them in `space`. Leave them out."
            )
        self._theirs = theirs

    def _check_end(self, suggested: Any) -> None:
        if suggested is not None and suggested != self._theirs.FINISHED:
            raise ValueError(f"{self.name} proposed {suggested!r}, which is no configuration.")

    def _read(self, space: SearchSpace, suggested: Mapping[str, Any]) -> Values:
        whole = merged(space.space, suggested)
        values = space.values_of(whole)
        if values is None:
            raise ValueError(f"{self.name} proposed {dict(suggested)}, which the space does not have.")
        if _keys(suggested) - _keys(space.configuration(values)):
            odd = ", ".join(sorted(_keys(suggested) - _keys(space.configuration(values))))
            raise ValueError(f"{self.name} proposed {dict(suggested)}; the space has no {odd}.")
        return values

    def _tell(self, space: SearchSpace, observations: Sequence[Observation]) -> None:
        penalty = self._penalty(observations)
        for seen in observations:
            name = self._names.get(seen.trial)
            if seen.trial in self._done:
                continue
            if name is not None:
                self._tell_epochs(name, seen)
            if seen.ending is None:
                continue
            self._done.add(seen.trial)
            loss = seen.loss() if seen.ending in _WELL and seen.losses else penalty
            if name is None:
                self._add(space, seen, loss)
            else:
                self._complete(name, loss, failed=seen.ending not in _WELL, epoch=max(seen.losses, default=1))

    def _tell_epochs(self, name: str, seen: Observation) -> None:
        for epoch, loss in seen.losses.items():
            if epoch > self._told.get(seen.trial, 0):
                with asking(self.name, "searcher"):
                    self._theirs.on_trial_result(name, self._result(name, loss, epoch))
                self._told[seen.trial] = epoch

    def _complete(self, name: str, loss: float | None, *, failed: bool, epoch: int = 1) -> None:
        result = None if loss is None else {**self._result(name, loss, epoch), "done": True}
        with asking(self.name, "searcher"):
            self._theirs.on_trial_complete(name, result=result, error=failed)

    def _add(self, space: SearchSpace, seen: Observation, loss: float | None) -> None:
        values = space.values_of(seen.config)
        if values is None or loss is None:
            return
        point = {"/".join(each.keys): values[each.path] for each in space.active(values) if each.kind != "branch"}
        with asking(self.name, "searcher"):
            try:
                self._theirs.add_evaluated_point(point, self._sign * loss)
            except NotImplementedError:
                return  # many searchers learn from their own proposals only

    def _result(self, name: str, loss: float, epoch: int) -> dict[str, Any]:
        return {self._metric: self._sign * loss, "training_iteration": epoch, "trial_id": name, "done": False}

    def _penalty(self, observations: Sequence[Observation]) -> float | None:
        """The worst loss of a trial that did not fail, None where there is none."""
        return max(
            (each.loss() for each in observations if each.losses and each.ending in (*_WELL, None)), default=None
        )

    def _at_random(self, space: SearchSpace, trial: int, seed: int) -> Proposal:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM, trial)))
        for _ in range(_DRAWS):
            values = space.draw(rng)
            if space.allows(values):
                return Proposal(config=space.configuration(values), origin="random")
        raise ValueError(
            f"{self.name} proposed {_TRIES} configurations in a row that `require` does not allow, and of {_DRAWS:,} "
            "random ones it allowed none. Loosen it, or change the ranges."
        )


def _keys(config: Any, prefix: str = "") -> set[str]:
    """All names in a nested configuration, joined by dots."""
    if not isinstance(config, Mapping):
        return {prefix} if prefix else set()
    return {name for key, value in config.items() for name in _keys(value, f"{prefix}.{key}" if prefix else str(key))}
