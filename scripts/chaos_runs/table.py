"""The table at the end: what was injected, and what came of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scripts.chaos_runs.plan import PHASES, RANDOM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.chaos_runs.seeds import Result

TARGETS = {"driver": "driver", "trial": "trial's process", "both": "both"}


def lines(results: Sequence[Result]) -> list[str]:
    """The table, line by line."""
    kills = Counter((kill.phase, kill.target) for result in results for kill in result.life.kills)
    verdicts = [result.verdict for result in results]
    trials, epochs = sum(each.trials for each in verdicts), sum(each.epochs for each in verdicts)
    again, whole = sum(each.begun_again for each in verdicts), sum(each.trained_again for each in verdicts)
    alone = [result for result in results if result.life.plan.alone]
    head = "".join(f"{name:>17}" for name in TARGETS.values())
    return [
        f"{'faults injected (SIGKILL)':<28}{head}{'in all':>8}",
        *(_row(f"  in {phase}", phase, kills) for phase in PHASES),
        _row("  at a random moment", RANDOM, kills),
        f"{'  in all':<28}"
        + "".join(f"{sum(n for (_, target), n in kills.items() if target == each):>17}" for each in TARGETS)
        + f"{kills.total():>8}",
        _told("trials lost", sum(len(each.lost) for each in verdicts), f"of {trials}"),
        _told("trials run twice", sum(len(each.twice) for each in verdicts), f"of {trials}"),
        _told("epochs recomputed", again, f"of {epochs}; {whole} of them had been trained whole, not yet saved"),
        _told("  at most, a kill and trial", max((each.worst for each in verdicts), default=0), "allowed: 1"),
        _told("records missing or doubled", sum(len(each.records) for each in verdicts), f"of {epochs}, to the bit"),
        _told(
            "decided otherwise",
            sum(len(each.otherwise) for each in verdicts),
            f"proposals, decisions and endings; {len(alone)} sweeps with one trial at a time are compared",
        ),
        _told("seeds not as promised", sum(bool(result.broken) for result in results), f"of {len(results)}"),
    ]


def _row(name: str, phase: str, kills: Counter[tuple[str, str]]) -> str:
    numbers = [kills[phase, target] for target in TARGETS]
    return f"{name:<28}" + "".join(f"{number or '-':>17}" for number in numbers) + f"{sum(numbers):>8}"


def _told(name: str, number: int, about: str) -> str:
    return f"{name:<28}{number:>4}  {about}"
