"""Median regret of this package's searchers beside random search and Optuna's TPE and GP, and whether the aims are met.

One process, one trial after another: `scripts/bench search [--problems a,b] [--searchers a,b] [--json FILE]`.
"""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

from scripts.benchmarks.search.contenders import OURS, PEERS
from scripts.benchmarks.search.problems import NAMES, problem
from scripts.benchmarks.search.runs import Runs, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CONTENDERS = (*OURS, *PEERS)
CHECKPOINTS = (25, 50, 100)
"""Trials after which the regret is shown."""
DECIDING = 50
"""Trials after which the aims are judged."""
AIM = 6
"""Problems of ten on which a searcher is to be at or below its peer."""
PEER_OF = {"bayesopt": "optuna-gp", "hyperopt": "optuna-tpe"}


def compare(
    *, problems: Sequence[str], searchers: Sequence[str], seeds: int, trials: int, files: Sequence[Path] = ()
) -> int:
    """Make the runs that the first file lacks, print a table for each problem, and the verdicts.

    Args:
        problems: Names of problems.
        searchers: Names of contenders.
        seeds: Runs of each contender on each problem.
        trials: Trials of a run.
        files: Where runs are kept, written to the first; further ones are only read.

    Returns:
        0 when every aim that can be judged is met, else 1.
    """
    runs = Runs(files[0] if files else None, files[1:])
    for name in problems:
        for searcher in searchers:
            _make(runs, name, searcher, seeds=seeds, trials=trials)
        _print_table(runs, name, searchers, seeds=seeds, trials=trials)
    return 0 if all(_verdicts(runs, problems, searchers, seeds=seeds, after=min(trials, DECIDING))) else 1


def _make(runs: Runs, name: str, searcher: str, *, seeds: int, trials: int) -> None:
    """Make the runs that are not there yet."""
    for seed in range(seeds):
        kept = runs.get((name, searcher, seed))
        if kept is None or kept.trials < trials:
            made = run(problem(name), searcher, seed=seed, trials=trials)
            runs.add((name, searcher, seed), made)
            said = f"{name}, {searcher}, seed {seed}: regret {made.regret(trials):.3g}, suggesting {made.seconds:.1f} s"
            print(said, file=sys.stderr, flush=True)


def _print_table(runs: Runs, name: str, searchers: Sequence[str], *, seeds: int, trials: int) -> None:
    """Print the medians of one problem."""
    after = [count for count in CHECKPOINTS if count <= trials] or [trials]
    print(f"\n{name}: median regret")
    heads = "".join(f"{f'{count} trials':>14}" for count in after)
    print(f"  {'searcher':<12}{heads}{'s a trial':>12}{'seeds':>8}")
    for searcher in searchers:
        made = runs.of(name, searcher, seeds=seeds, trials=after[-1])
        seconds = statistics.median(each.seconds / each.trials for each in made)
        medians = "".join(f"{statistics.median(each.regret(count) for each in made):>14.4g}" for count in after)
        print(f"  {searcher:<12}{medians}{seconds:>12.4f}{len(made):>8}", flush=True)


def _verdicts(runs: Runs, problems: Sequence[str], searchers: Sequence[str], *, seeds: int, after: int) -> list[bool]:
    """Print whether each aim is met, of those for which all runs are there."""

    def median(name: str, searcher: str) -> float | None:
        made = runs.of(name, searcher, seeds=seeds, trials=after)
        return statistics.median(each.regret(after) for each in made) if len(made) == seeds else None

    print(f"\nafter {after} trials")
    verdicts = []
    for ours, peer in PEER_OF.items():
        for other, needed in ((peer, AIM * len(problems) / len(NAMES)), ("random", len(problems))):
            pairs = {name: (median(name, ours), median(name, other)) for name in problems}
            if ours in searchers and not any(None in pair for pair in pairs.values()):
                verdicts.append(_verdict(f"{ours} at or below {other}", pairs, needed))  # type: ignore[arg-type]
    return verdicts


def _verdict(claim: str, pairs: Mapping[str, tuple[float, float]], needed: float) -> bool:
    """Print on how many problems a claim holds, and by how much it does not on the others.

    Args:
        claim: What is claimed.
        pairs: Median regret of the searcher and of the one that it is compared with, by problem.
        needed: On how many problems it has to hold.
    """
    missed = {name: pair for name, pair in pairs.items() if pair[0] > pair[1]}
    holds = len(pairs) - len(missed)
    print(f"{claim} on {holds} of {len(pairs)} (aim {needed:.3g}): {'reached' if holds >= needed else 'MISSED'}")
    for name, (own, other) in missed.items():
        print(f"  {name}: {own:.4g} against {other:.4g}")
    return holds >= needed
