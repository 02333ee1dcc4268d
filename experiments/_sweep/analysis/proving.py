"""Is it real: what fresh seeds say of the winner, and what it was compared with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.answer import Answer, Command, as_sentence, counted, finite
from experiments._sweep.analysis.leading import comparable
from experiments._sweep.derived.confirmation.wording import sentence as in_one_style
from experiments._sweep.views.confirmation import looks_line, overtaken
from experiments._sweep.views.figures import figure, interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from experiments._sweep.analysis.confirmed import Confirmed
    from experiments._sweep.ledger.history import History
    from experiments._sweep.sweep import Sweep

_ENDS = re.compile(r"\(\S+ to \S+\)")
"""An interval that is written with both ends."""


def real(sweep: Sweep, confirmed: Confirmed) -> Answer:
    """What a confirmation has found of the winner, or the command that makes one."""
    history, question, answer = sweep.history, "Is it real?", confirmed.answer
    if answer is None:
        return _unknown(history, confirmed, question)
    verdict, alone = _verdict(answer), _alone(answer, history)
    more = [_measured(answer)]
    more += [alone] if alone else []
    more += [as_sentence(note) for note in answer["notes"]]
    more += gap_in_words(answer, history)
    more += [looks_line(len(history.looks))] if history.looks else []
    more += overtaken(answer, history)
    searched = next(each for each in answer["configurations"] if each["label"] == answer["searched_winner"])
    started = {"yes": "Yes", "in part": "In part", "no": "No", "unknown": "Not known"}[verdict]
    said = _in_one_style(answer)
    if verdict == "yes" and alone:
        started = "Against the defaults, yes" if answer["gain_over_defaults"] else "In part"
        verdict = "in part" if _is_close(answer, history) or not answer["gain_over_defaults"] else "yes"
        said = f"{said} {alone}"
        more.remove(alone)
    facts = {
        "confirmed": True,
        "verdict": verdict,
        "looks": len(history.looks),
        "score": {key: searched[key] for key in ("mean", "low", "high", "promised", "failed")},
        "score_in_words": interval(searched),
        "answer": answer,
    }
    return Answer(question=question, sentence=f"{started}: {said}", more=tuple(more), facts=finite(facts))


def _unknown(history: History, confirmed: Confirmed, question: str) -> Answer:
    confirm = Command(text=confirmed.command, gives="trains the leading trials on fresh seeds")
    able = len(history.ranked)
    known = f"the value is the best of {able} trials, so it is more hopeful than it should be"
    known = "it is one trial, trained once: other seeds give other values" if able == 1 else known
    return Answer(
        question=question,
        sentence=f"Not known yet: {known}." if able else "Not known: no trial has a value.",
        more=(confirmed.note,) if confirmed.note else (),
        facts={"confirmed": False, "verdict": None, "looks": len(history.looks)},
        commands=(confirm,) if able else (),
    )


def _in_one_style(answer: dict[str, Any]) -> str:
    """The recorded sentence, told anew where an older version wrote two kinds of interval in it."""
    said = str(answer["answer"])
    return in_one_style(answer) if "+-" in said and _ENDS.search(said) else said


def _verdict(answer: dict[str, Any]) -> str:
    """`yes`: first again, and better than the defaults where they are known; `no`: another one is better.

    `in part`: not told apart from the first, or from the defaults; `unknown`: every run of the confirmation failed.
    """
    gain = answer["gain_over_defaults"]
    if answer["winner"] is None:
        return "unknown"
    if answer["verdict"] == "behind":
        return "no"
    told_apart = gain is None or gain["mean"] is None or (gain["low"] is not None and gain["low"] > 0)
    return "yes" if answer["verdict"] == "first" and told_apart else "in part"


def _alone(answer: Mapping[str, Any], history: History) -> str:
    """What is open where none of the search's other trials was confirmed beside the winner; else empty."""
    others = [each for each in answer["configurations"] if each["trial"] is not None]
    best = history.best
    if len(others) > 1 or best is None or best.value is None or answer["searched_winner"] != f"trial {best.number}":
        return ""
    runner_up = _runner_up(history)
    if runner_up is None:
        return ""
    number, margin = runner_up
    apart = _told_apart(answer)
    said = f"The runner-up, trial {number}, was not confirmed; in the search it is {margin:.2g} behind"
    if apart is None or margin >= apart:
        return f"{said}."
    seeds = counted(answer["seeds"], "seed")
    return (
        f"{said}, which is closer than the {apart:.2g} that {seeds} can tell apart: which of the two is better is not "
        "known."
    )


def _is_close(answer: Mapping[str, Any], history: History) -> bool:
    """Whether the seeds could not tell the runner-up from the winner by what lies between them in the search."""
    runner_up, apart = _runner_up(history), _told_apart(answer)
    return runner_up is not None and apart is not None and runner_up[1] < apart


def _runner_up(history: History) -> tuple[int, float] | None:
    """The second trial of the search, and how far it is behind."""
    best = history.best
    able = [trial for trial in history.by_rank() if comparable(history, trial)]
    if best is None or best.value is None or len(able) < 2 or able[1].value is None:
        return None
    return able[1].number, abs(able[1].value - best.value)


def _told_apart(answer: Mapping[str, Any]) -> float | None:
    """Half of the width of the interval of a difference: smaller ones cannot be told from none."""
    gain = answer["gain_over_defaults"]
    if gain is None or gain["low"] is None or gain["high"] is None or gain["high"] <= gain["low"]:
        return None
    return float(gain["high"] / 2 - gain["low"] / 2)


def _measured(answer: dict[str, Any]) -> str:
    where = "on the test split, which no trial has seen" if answer["on"] == "test" else "on validation rows"
    return f"Measured as {answer['metric']} {where}, with {counted(answer['seeds'], 'fresh seed')} and 95 % intervals."


def gap_in_words(answer: Mapping[str, Any], history: History) -> Iterator[str]:
    """Why what was confirmed differs from what was promised: other rows, or the search's luck."""
    searched = next(each for each in answer["configurations"] if each["label"] == answer["searched_winner"])
    gap, searched_metric = searched["selection_gap"], answer.get("searched_metric", "its metric")
    if gap is None:
        return
    better = "above" if answer["mode"] == "min" else "below"
    sign = f"The gap is promised less confirmed: {better} 0, it did better than promised"
    if answer["on"] != "test":
        yield f"{sign}."
        return
    folds = (history.best.config if history.best else {}).get("folds")
    mean = f" (the mean of {folds} folds)" if isinstance(folds, int) and folds > 1 else ""
    yield (
        f"{sign}. Promised was {searched_metric} on the validation rows{mean}, confirmed is "
        f"{answer['metric']} on the test split: other rows, which may be easier or harder."
    )
    if searched.get("validation") is not None and searched["mean"] is not None:
        lower = searched["mean"] < searched["validation"]
        kind = "easier" if lower is (answer["mode"] == "min") else "harder"
        yield (
            f"On fresh seeds {searched['label']} has {searched_metric} "
            f"{figure(searched['validation'], like=searched)} on validation rows, against "
            f"{figure(searched['promised'], like=searched)} promised: that difference is the search's luck. The rest "
            f"of the gap lies between the rows: those of the test split are {kind} for it."
        )
