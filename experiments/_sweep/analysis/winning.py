"""What was asked, what won and by how much, and whether it is real."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.answer import Answer, Command, as_sentence, counted, finite, percent, told
from experiments._sweep.ledger.trial_history import flat
from experiments._sweep.views.confirmation import looks_line, overtaken
from experiments._sweep.views.figures import figure, interval
from experiments._sweep.views.words import counts, duration, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory
    from experiments._sweep.sweep import Sweep


def asked(sweep: Sweep, found: Searched | None) -> Answer:
    """The question, and what was done to answer it."""
    history, asks = sweep.history, sweep.history.asks
    trials = history.limits.get("num_trials") or asks["num_trials"]
    names = [] if found is None else [axis.name for axis in found.axes]
    search, scheduler = (_name(asks.get(field)) for field in ("search", "scheduler"))
    better = "higher" if asks["mode"] == "max" else "lower"
    trained = sum(len(trial.epochs) for trial in history.trials.values())
    were = "was" if trained == 1 else "were"
    doing = "is searching" if sweep.live else "searched"
    more = [
        f"{search} {doing} {counted(len(names), 'hyperparameter')} of {asks['trainable']} with {scheduler}.",
        f"{asks['metric']} counts, {better} is better.",
        f"{len(history.trials)} of {counted(trials, 'trial')} in {duration(history.seconds)}: {counts(history)}.",
        f"{counted(trained, 'epoch')} {were} trained, at most {asks['epochs']} in a trial.",
    ]
    facts = {
        "name": sweep.name,
        "question": history.sweep.question,
        "trainable": asks["trainable"],
        "metric": asks["metric"],
        "mode": asks["mode"],
        "search": search,
        "scheduler": scheduler,
        "hyperparameters": names,
        "trials": len(history.trials),
        "num_trials": trials,
        "epochs": asks["epochs"],
        "epochs_trained": trained,
        "seconds": history.seconds,
        "endings": {state: sum(1 for _ in history.in_state(state)) for state in dict.fromkeys(_states(history))},
        "target": asks.get("target"),
    }
    question = history.sweep.question or f"What is the best {asks['metric']} of {asks['trainable']}?"
    return Answer(question="What was asked?", sentence=question, more=tuple(more), facts=finite(facts))


def _states(history: History) -> Iterator[str]:
    return (trial.state for trial in history.trials.values())


def _name(asked_for: Any) -> str:
    return str(asked_for.get("name", "-")) if isinstance(asked_for, dict) else str(asked_for)


def won(sweep: Sweep, found: Searched | None) -> Answer:
    """The leading trial, and by how much it leads the next one and the trial in the middle."""
    history, question = sweep.history, "What won, and by how much?"
    best = history.best
    if best is None or best.value is None:
        return Answer(question=question, sentence=f"Nothing yet: no trial has a value ({counts(history)}).")
    able = [trial for trial in history.by_rank() if _comparable(history, trial, best)]
    second = able[1] if len(able) > 1 else None
    middle = statistics.median(trial.value for trial in able if trial.value is not None)
    of = found.values[best.number] if found else flat(best.config)
    still = "" if best.ended else f" and is {best.state}"
    leads = "won" if history.end is not None and not sweep.live else "leads so far"
    sentence = f"Trial {best.number} {leads}: {_value(best)} at epoch {best.epoch} of {len(best.epochs)}{still}."
    more = []
    if second is not None and second.value is not None:
        more.append(
            f"Ahead of trial {second.number} ({figure(second.value)}) by {_ahead(best.value, second.value)}, "
            f"and of the median of {counted(len(able), 'trial')} with a value ({figure(middle)}) by "
            f"{_ahead(best.value, middle)}."
        )
    facts = {
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
        "runner_up": None if second is None else {"trial": second.number, "value": second.value},
        "margin": None if second is None or second.value is None else abs(second.value - best.value),
        "median": middle,
        "among": len(able),
    }
    if of:
        more.append(f"It has {', '.join(f'{name} {told(value)}' for name, value in of.items())}.")
    return Answer(question=question, sentence=sentence, more=tuple(more), facts=finite(facts))


def _comparable(history: History, trial: TrialHistory, best: TrialHistory) -> bool:
    """Where the last value counts, only those that got as far: a mean of fewer folds is of other rows."""
    return not history.last_counts or trial.epoch == best.epoch


def _value(trial: TrialHistory) -> str:
    return f"{'' if trial.last_counts else 'best '}{trial.metric} {figure(trial.value)}"


def _ahead(best: float, other: float) -> str:
    """`0.0013 (4 %)`: the difference, and its part of the other value."""
    by = abs(other - best)
    return f"{by:.2g}" if other == 0 else f"{by:.2g} ({percent(by / abs(other))})"


def real(sweep: Sweep, confirmed: Sweep | None) -> Answer:
    """What a confirmation has found of the winner, or the command that makes one."""
    history, question = sweep.history, "Is it real?"
    answer = None if confirmed is None else confirmed.history.answer
    confirm = Command(text=f"sweep confirm {place(sweep.folder)}", gives="trains the leading trials on fresh seeds")
    if answer is None or confirmed is None:
        able = len(history.ranked)
        known = f"the value is the best of {counted(able, 'trial')}, so it is more hopeful than it should be"
        sentence = f"Not known yet: {known}." if able else "Not known: no trial has a value."
        begun = (
            ["A confirmation was begun and has no answer yet: the command goes on with it."] if _begun(sweep) else []
        )
        facts: dict[str, Any] = {"confirmed": False, "verdict": None, "looks": len(history.looks)}
        return Answer(
            question=question, sentence=sentence, more=tuple(begun), facts=facts, commands=(confirm,) if able else ()
        )
    verdict = _verdict(answer)
    said = answer["answer"]
    more = [_measured(answer)]
    more += [as_sentence(note) for note in answer["notes"]]
    more += [looks_line(len(history.looks))] if history.looks else []
    more += overtaken(answer, history)
    searched = next(each for each in answer["configurations"] if each["label"] == answer["searched_winner"])
    facts = {
        "confirmed": True,
        "verdict": verdict,
        "looks": len(history.looks),
        "score": {key: searched[key] for key in ("mean", "low", "high", "promised", "failed")},
        "score_in_words": interval(searched),
        "answer": answer,
    }
    started = {"yes": "Yes", "in part": "In part", "no": "No"}[verdict]
    return Answer(question=question, sentence=f"{started}: {said}", more=tuple(more), facts=finite(facts))


def _begun(sweep: Sweep) -> bool:
    from experiments._sweep.derived.finding import confirmations

    return bool(confirmations(sweep))


def _verdict(answer: dict[str, Any]) -> str:
    """`yes`: first again, and better than the defaults where they are known; `no`: another one is better."""
    gain = answer["gain_over_defaults"]
    if answer["winner"] is None or answer["verdict"] == "behind":
        return "no"
    told_apart = gain is None or gain["mean"] is None or (gain["low"] is not None and gain["low"] > 0)
    return "yes" if answer["verdict"] == "first" and told_apart else "in part"


def _measured(answer: dict[str, Any]) -> str:
    where = "on the test split, which no trial has seen" if answer["on"] == "test" else "on validation rows"
    return f"Measured as {answer['metric']} {where}, with {counted(answer['seeds'], 'fresh seed')} and 95 % intervals."
