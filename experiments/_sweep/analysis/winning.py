"""What won, and by how much: in the search, and on fresh seeds where that is another trial."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.answer import Answer, as_sentence, counted, finite, percent, told
from experiments._sweep.analysis.leading import comparable
from experiments._sweep.ledger.records import LIMIT_REASONS
from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.views.figures import figure
from experiments._sweep.views.words import counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.trial_history import TrialHistory
    from experiments._sweep.sweep import Sweep


MOST_AHEAD = 10.0
"""A lead of so many times the other value is told without its share of it."""


def won(sweep: Sweep, found: Searched | None, confirmed: Mapping[str, Any] | None = None) -> Answer:
    """The leading trial, and by how much it leads the next one and the trial in the middle.

    Args:
        sweep: The sweep.
        found: What was searched.
        confirmed: The answer of its newest confirmation, None where there is none.
    """
    history, question = sweep.history, "What won, and by how much?"
    best = history.best
    if best is None or best.value is None:
        return Answer(question=question, sentence=f"Nothing yet: no trial has a value ({counts(history)}).")
    able = [trial for trial in history.by_rank() if comparable(history, trial)]
    second = able[1] if len(able) > 1 else None
    middle = statistics.median(trial.value for trial in able if trial.value is not None)
    of = found.values[best.number] if found else flat(best.config)
    still = "" if best.ended else f" and is {best.state}"
    then = _then(confirmed, best.number)
    leads = ("won the search" if then else "won") if is_over(sweep) else "leads so far"
    sentence = f"Trial {best.number} {leads}: {_value(best)} at epoch {best.epoch} of {len(best.epochs)}{still}.{then}"
    more = []
    if second is not None and second.value is not None:
        whose = "that got as far" if history.last_counts else "with a value"
        next_one = _standing(best.value, second.value, f"trial {second.number}")
        of_all = _standing(best.value, middle, f"the median of {counted(len(able), 'trial')} {whose}")
        more.append(as_sentence(f"{next_one}; {of_all}"))
    facts = _facts(best, of) | {
        "runner_up": None if second is None else {"trial": second.number, "value": second.value},
        "margin": None if second is None or second.value is None else abs(second.value - best.value),
        "median": middle,
        "among": len(able),
        "confirmed_first": (first_confirmed(confirmed) or {}).get("label"),
    }
    if of:
        more.append(f"It has {', '.join(f'{name} {told(value)}' for name, value in of.items())}.")
    return Answer(question=question, sentence=sentence, more=tuple(more), facts=finite(facts))


def first_confirmed(answer: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The configuration that came first on fresh seeds; None where there is none."""
    configurations = () if answer is None else answer["configurations"]
    return next((each for each in configurations if answer and each["label"] == answer["winner"]), None)


def _then(answer: Mapping[str, Any] | None, best: int) -> str:
    """That another configuration than the search's winner came first on fresh seeds; empty where it did not."""
    first = first_confirmed(answer)
    if answer is None or first is None or first["trial"] == best:
        return ""
    labels = [each["label"] for each in answer["configurations"]]
    who, is_better = ("the defaults", "they are better") if first["trial"] is None else (first["label"], "it is better")
    if f"trial {best}" not in labels:
        how = f"; trial {best} was not among those confirmed"
    elif answer["searched_winner"] != f"trial {best}":
        how = f", and trial {best} behind it or tied with it"
    else:
        how = ", not told apart from it" if answer["verdict"] == "tied" else f", and {is_better}"
    return f" On fresh seeds {who} came first{how}."


def _facts(best: TrialHistory, of: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "trial": best.number,
        "ending": best.state,
        "metric": best.metric,
        "value": best.value,
        "epoch": best.epoch,
        "epochs": len(best.epochs),
        "config": best.config,
        "searched": of,
        "origin": best.origin,
        "metrics": best.epochs[(best.epoch or 1) - 1].metrics,
    }


def _value(trial: TrialHistory) -> str:
    return f"{'' if trial.last_counts else 'best '}{trial.metric} {figure(trial.value)}"


def _standing(best: float, other: float, whose: str) -> str:
    """`ahead of trial 3 (0.05) by 0.0013 (4 %)`, or that they are equal; no share where it would say nothing."""
    by = abs(other - best)
    if by == 0:
        return f"no better than {whose}, which has the same value"
    share = by / abs(other) if other else MOST_AHEAD
    part = f" ({percent(share)})" if share < MOST_AHEAD else ""
    return f"ahead of {whose} ({figure(other)}) by {by:.2g}{part}"


def is_over(sweep: Sweep) -> bool:
    """Whether it has had all that was asked for: no trial runs, and none can go on."""
    end = sweep.history.end
    has_all = end is not None and end.reason in ("finished", *LIMIT_REASONS)
    return has_all and not sweep.live and all(trial.ended for trial in sweep.history.trials.values())
