"""What a warm start is worth: regret of the first trials of a sweep that was told an earlier one, beside a cold one.

The earlier sweep is 30 random trials of the same problem. Only the new trials count: the best of the earlier ones is
not inherited.
"""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

from experiments import searchers
from experiments._sweep.policy import Observation
from scripts.benchmarks.search.contenders import OurSearcher
from scripts.benchmarks.search.problems import problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.benchmarks.search.problems import Problem

CONTENDERS = ("hyperopt", "bayesopt")

_EARLIER = 30
_CHECKPOINTS = (1, 5, 20)
"""New trials."""
_EARLIER_SEED = 1_000
"""What lies between the seed of the earlier sweep and that of the new one."""


def compare(*, problems: Sequence[str], searchers: Sequence[str], seeds: int) -> int:
    """Print the median regret of the best new trial, cold and warm; return 0: nothing is promised about it."""
    print(f"median regret of the best new trial over {seeds} seeds; warm: told {_EARLIER} earlier random trials")
    print(f"  {'problem':<16}{'searcher':<12}{'':<6}" + "".join(f"{f'after {after}':>12}" for after in _CHECKPOINTS))
    for name in problems:
        made = problem(name)
        for searcher in searchers:
            for start, earlier in (("cold", 0), ("warm", _EARLIER)):
                runs = [_regrets(made, searcher, seed=seed, earlier=earlier) for seed in range(seeds)]
                medians = [statistics.median(run[after - 1] for run in runs) for after in _CHECKPOINTS]
                row = "".join(f"{median:>12.4g}" for median in medians)
                print(f"  {name:<16}{searcher:<12}{start:<6}{row}", flush=True)
                print(f"{name}, {searcher}, {start}", file=sys.stderr, flush=True)
    return 0


def _regrets(of: Problem, searcher: str, *, seed: int, earlier: int) -> list[float]:
    """The lowest regret after each new trial."""
    told = [] if not earlier else _earlier(of, seed + _EARLIER_SEED, earlier)
    suggesting = OurSearcher(searchers.by_name(searcher), of.space, seed, earlier=told)
    regrets: list[float] = []
    for trial in range(_CHECKPOINTS[-1]):
        config = suggesting.ask()
        if config is None:
            break
        suggesting.tell(of.told(config, seed=seed, trial=trial))
        regrets.append(min([of.regret(config), *regrets[-1:]]))
    return regrets + regrets[-1:] * (_CHECKPOINTS[-1] - len(regrets))


def _earlier(of: Problem, seed: int, count: int) -> list[Observation]:
    """The trials of a random search, numbered as trials of other sweeps are: below 0."""
    random = OurSearcher(searchers.by_name("random"), of.space, seed)
    found = []
    for trial in range(count):
        config = random.ask()
        if config is None:
            break
        value = of.told(config, seed=seed, trial=trial)
        random.tell(value)
        losses, ending = ({}, "diverged") if value is None else ({1: value}, "completed")
        found.append(Observation(trial=trial - count, config=config, losses=losses, ending=ending))
    return found
