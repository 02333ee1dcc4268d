"""Where the configuration of a new trial comes from: first the start points, then the searcher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._sweep.policy import Proposal
from search_spaces import started

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiments._sweep.policy import Observation, Searcher
    from search_spaces import SearchSpace

_STREAM = 2  # searchers draw from stream 1


def next_proposal(
    search: Searcher,
    space: SearchSpace,
    observations: Sequence[Observation],
    *,
    start_points: Sequence[Mapping[str, Any]],
    trial: int,
    seed: int,
) -> Proposal | None:
    """The configuration of trial number `trial`, or None when a finite space is exhausted.

    Trial k tries start point k, what is missing in it drawn from the space; where that was tried already, the searcher
    is asked instead. A function of the arguments.

    Raises:
        ValueError: The searcher proposed what the space does not have, or what `require` does not allow.
    """
    if trial < len(start_points):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM, trial)))
        tried = {
            space.identity(values) for each in observations if (values := space.values_of(each.config)) is not None
        }
        start = started(space, start_points[trial], rng, lambda values: space.identity(values) not in tried)
        if start is not None:
            return Proposal(config=space.configuration(start), origin="start point")
    proposal = search.propose(space, observations, trial=trial, seed=seed)
    if proposal is None:
        return None
    proposed = space.values_of(proposal.config)
    if proposed is None or not space.allows(proposed):
        why = "the space does not have" if proposed is None else "`require` does not allow"
        raise ValueError(f"{search} proposed {proposal.config}, which {why}.")
    return proposal
