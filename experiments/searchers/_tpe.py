"""The edge to the hyperopt library: its own space, its documents of trials, one suggestion.

Everything that is not a choice goes in as a uniform coordinate from 0 to 1 (see `_unit`), choices as the index of the
category. So hyperopt's conversions of integers and quantised values, which give end points half their probability
or values outside the range, are not used; constants never enter; values keep their types.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hyperopt import base, hp, tpe

from experiments.searchers._ranking import failed
from experiments.searchers._unit import decode, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.policy import Observation
    from experiments.searchers._drawing import Values
    from search_spaces import Dimension


def suggest(
    found: Sequence[Dimension],
    ranked: Sequence[Observation],
    *,
    good: int,
    seed: int,
    n_ei_candidates: int,
    prior_weight: float,
) -> Values:
    """One proposal of TPE's.

    Args:
        found: The dimensions of the space.
        ranked: The earlier trials from best to worst. Only the order of losses matters to TPE, so it is told ranks.
        good: How many of them are good ones.
        seed: From 0 to 2**32 - 1.
        n_ei_candidates: As in `HyperOpt`.
        prior_weight: As in `HyperOpt`.
    """
    documents = _documents(found, ranked)
    (document,) = tpe.suggest(
        [len(documents)],
        _domain(tuple((dimension.name, dimension.probabilities) for dimension in found)),
        base.trials_from_docs(documents, validate=False),
        seed,
        n_startup_jobs=0,
        verbose=False,
        n_EI_candidates=n_ei_candidates,
        prior_weight=prior_weight,
        gamma=(good - 0.5) / math.sqrt(len(documents)),  # of which hyperopt takes ceil(gamma sqrt(N)) as good
    )
    latents = document["misc"]["vals"]
    return {dimension.path: _value(dimension, latents[dimension.name][0]) for dimension in found}


@lru_cache(maxsize=16)
def _domain(labels: tuple[tuple[str, tuple[float, ...]], ...]) -> Any:
    """Hyperopt's space of coordinates, and of indices where there are probabilities; kept, since it never changes."""
    space = {
        name: hp.pchoice(name, [(probability, index) for index, probability in enumerate(probabilities)])
        if probabilities
        else hp.uniform(name, 0.0, 1.0)
        for name, probabilities in labels
    }
    return base.Domain(_never_called, space)


def _never_called(_config: Any) -> float:
    """Hyperopt wants an objective; trials are evaluated elsewhere."""
    raise NotImplementedError


def _documents(found: Sequence[Dimension], ranked: Sequence[Observation]) -> list[dict[str, Any]]:
    """Earlier trials as hyperopt keeps them; those that failed twice, and as the newest.

    hyperopt lets trials beyond the newest 25 fade, so that it would come back to a region that always fails, and a
    failure means more than a poor loss. Where the upper half fails and the optimum lies just below it, 46 % of the
    proposals fall into it otherwise, and 22 % or less with this.
    """
    oldest_first = sorted(enumerate(ranked), key=lambda placed: placed[1].trial)
    documents = [(rank, observation) for rank, observation in oldest_first if not failed(observation)]
    documents += 2 * [(rank, observation) for rank, observation in oldest_first if failed(observation)]
    return [_document(found, observation, rank, tid) for tid, (rank, observation) in enumerate(documents)]


def _document(found: Sequence[Dimension], observation: Observation, rank: int, tid: int) -> dict[str, Any]:
    """One document; `tid` says how new it is. A value outside the range (of a changed space) is left out."""
    latents = {dimension.name: _latent(dimension, observation) for dimension in found}
    return {
        "tid": tid,
        "state": base.JOB_STATE_DONE,
        "exp_key": None,
        "result": {"status": base.STATUS_OK, "loss": float(rank)},
        "misc": {
            "tid": tid,
            "vals": latents,
            "idxs": {name: [tid] * len(values) for name, values in latents.items()},
        },
    }


def _latent(dimension: Dimension, observation: Observation) -> list[float | int]:
    """The coordinate or index of a trial's value, in a list of one; an empty list where it has none."""
    try:
        value = dimension.find(observation.config)
    except KeyError:
        return []
    if not dimension.contains(value):
        return []
    if not dimension.categories:
        return [encode(dimension, value)]
    identities = [dimension.identity(category) for category in dimension.categories]
    return [identities.index(dimension.identity(value))]


def _value(dimension: Dimension, latent: float) -> Any:
    return dimension.value_at(int(latent)) if dimension.categories else decode(dimension, float(latent))
