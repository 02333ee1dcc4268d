"""Regret by epochs trained, with ASHA over the recorded tables: what searchers make of trials that were stopped early.

Four trials at a time, an epoch of each in turn, as on four equal machines. The naive variants take the last loss of
each trial as its value, whatever its epoch: what they lose beside the others is what comparing with care gains.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from experiments import ASHA, FIFO, searchers
from experiments._sweep.policy import Observation
from scripts.benchmarks.search.problems import problem
from scripts.benchmarks.search.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.policy import Scheduler

TABLES = ("digits_mlp", "mnist_cnn")
NAIVE = "-naive"
CONTENDERS = ("random-fifo", "random", "hyperopt", "hyperopt-naive", "bayesopt", "bayesopt-naive")
"""random-fifo trains every trial in full; the others stop trials by ASHA."""

_AT_ONCE = 4
_CHECKPOINTS = (5, 10, 20)
"""Epochs trained, in budgets of one trial."""

Steps = list[tuple[int, float]]
"""(epochs trained by all trials together, regret from then on)."""


def compare(*, tables: Sequence[str], searchers: Sequence[str], seeds: int) -> int:
    """Print the median regret after so many epochs for each table; return 0: nothing is promised about it."""
    for name in tables:
        budget = read_table(name).epochs
        print(f"\n{name}: median regret after epochs trained, ASHA(grace_epochs=1, reduction_factor=3), 4 at a time")
        print(f"  {'searcher':<16}" + "".join(f"{f'{budget * full} epochs':>14}" for full in _CHECKPOINTS))
        for searcher in searchers:
            runs = []
            for seed in range(seeds):
                runs.append(simulate(name, searcher, seed=seed, epochs=budget * _CHECKPOINTS[-1]))
                print(f"{name}, {searcher}, seed {seed + 1} of {seeds}", file=sys.stderr, flush=True)
            medians = [statistics.median(_regret(run, budget * full) for run in runs) for full in _CHECKPOINTS]
            print(f"  {searcher:<16}" + "".join(f"{median:>14.4g}" for median in medians), flush=True)
    return 0


def simulate(name: str, searcher: str, *, seed: int, epochs: int) -> Steps:
    """Run a sweep over a recorded table until so many epochs are trained, all trials together.

    The regret is the lowest validation loss seen so far, after whatever epoch, less the lowest of the table.
    """
    table, space = read_table(name), problem(name).space
    scheduler: Scheduler = FIFO() if searcher.endswith("-fifo") else ASHA(grace_epochs=1, reduction_factor=3)
    search = searchers.by_name(searcher.partition("-")[0])
    lowest = min(loss for curve in table.curves.values() for loss in curve if loss is not None)
    trials: dict[int, Observation] = {}
    running: list[int] = []
    best, steps, trained = float("inf"), [], 0
    while trained < epochs:
        while len(running) < _AT_ONCE:
            known = _as_seen(trials, naive=searcher.endswith(NAIVE))
            proposal = search.propose(space, known, trial=len(trials), seed=seed)
            if proposal is None:
                break
            running.append(len(trials))
            trials[len(trials)] = Observation(trial=len(trials), config=proposal.config, losses={}, ending=None)
        if not running:
            break
        for trial in tuple(running):
            trials[trial] = _next_epoch(table.curve(trials[trial].config), trials, trial, scheduler)
            trained += 1
            if trials[trial].loss() < best:
                best = trials[trial].loss()
                steps.append((trained, best - lowest))
        running = [trial for trial in running if trials[trial].ending is None]
    return steps


def _next_epoch(
    curve: Sequence[float | None], trials: dict[int, Observation], trial: int, scheduler: Scheduler
) -> Observation:
    """Return what is known of a trial after one more epoch."""
    before = trials[trial]
    epoch = len(before.losses) + 1
    loss = curve[epoch - 1]
    if loss is None:
        return replace(before, ending="diverged")
    after = replace(before, losses={**before.losses, epoch: loss})
    if epoch == len(curve):
        return replace(after, ending="completed")
    decision = scheduler.decide(trials, trial=trial, epoch=epoch, loss=loss, epochs=len(curve))
    assert decision.action != "hold"
    return replace(after, ending="stopped") if decision.action == "stop" else after


def _as_seen(trials: dict[int, Observation], *, naive: bool) -> list[Observation]:
    """Return what the searcher is told: to the naive, every trial with a loss has completed with its last one."""
    if not naive:
        return list(trials.values())
    return [
        replace(trial, losses={1: [*trial.losses.values()][-1]}, ending="completed")
        if trial.losses and trial.ending != "diverged"
        else trial
        for trial in trials.values()
    ]


def _regret(steps: Steps, after: int) -> float:
    """Return the regret after so many epochs, all trials together."""
    return next((regret for trained, regret in reversed(steps) if trained <= after), float("inf"))
