"""What a confirmation has found, made of its ledger alone: the answer that is recorded and shown."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from experiments._sweep.derived.confirmation.wording import sentence
from experiments._sweep.ledger.records import SUCCESSES
from experiments._sweep.statistics import judged, paired

if TYPE_CHECKING:
    from experiments._sweep.ledger.history import History

    Values = list[float | None]


def answer_of(history: History, name: str) -> dict[str, Any]:
    """The answer of a confirmation of the sweep called `name`, in JSON's types.

    - `metric`: what is compared: the test split's counterpart of the search's metric (`on` is then `test`), or, where
      there is none, that metric on validation rows (`on` is `validation`): of a fresh split for each of the `seeds`, or
      (`splits` is false) the search's own.
    - `configurations`: the confirmed ones, the best first. Each has `label`, `trial`, `config`, the `promised` value,
      a value per seed in `values` (None where the run failed), their `mean` with the 95 % interval `low` to `high`,
      `validation` (the mean of the search's metric over the seeds), `selection_gap` (promised minus mean) and `luck`,
      the part of it that was the search's (promised minus validation; the rest lies between the splits), the paired
      difference to the best one (with Holm's correction, None for the best), whether it is `tied` with it, and the
      means of what else was measured, in `others`.
    - `searched_winner`, `winner`: labels of the search's best and of the confirmed best; `verdict`: whether the first
      is `first`, `tied` with the second, or `behind` it.
    - `gain_over_defaults`: by how much the search's winner is better than the defaults (above 0: better), with its
      interval; None where they were not trained.
    """
    derived, mode = history.sweep.derived or {}, history.asks["mode"]
    candidates, seeds = derived["candidates"], derived["seeds"]
    values = {each["label"]: _values(history, place, len(candidates)) for place, each in enumerate(candidates)}
    judgement = judged(values, mode=mode)
    known = [label for label in values if judgement.scores[label].mean is not None]
    sign = 1 if mode == "min" else -1
    order = sorted(known, key=lambda label: sign * (judgement.scores[label].mean or 0.0))
    order = [judgement.best, *(label for label in order if label != judgement.best)] if judgement.best else order
    order += [label for label in values if label not in order]
    searched = candidates[0]["label"]
    places = {each["label"]: place for place, each in enumerate(candidates)}
    answer = {
        "sweep": name,
        "number": derived["number"],
        "on": "test" if derived["test_metric"] else "validation",
        "metric": derived["test_metric"] or history.asks["metric"],
        "searched_metric": history.asks["metric"],
        "mode": mode,
        "seeds": len(seeds),
        "splits": any("split_seed" in each for each in seeds),
        "configurations": [
            _configuration(history, judgement, candidates[places[label]], places[label], len(candidates))
            for label in order
        ],
        "searched_winner": searched,
        "winner": judgement.best,
        "verdict": _verdict(judgement, searched),
        "gain_over_defaults": _gain(values, searched, mode),
        "notes": [*derived["notes"], *_unmeasured(history), *judgement.notes],
    }
    return answer | {"answer": sentence(answer)}


def _unmeasured(history: History) -> list[str]:
    """Which runs have succeeded and were not measured, though there is a test split."""
    if not (history.sweep.derived or {})["test_metric"]:
        return []
    gone = [trial for trial in history.in_state(*SUCCESSES) if trial.number not in history.tests]
    return [f"{each.origin}: no checkpoint of its best epoch is left, so the run counts as failed" for each in gone]


def _values(history: History, place: int, count: int) -> Values:
    """The score of a configuration on each seed, None where its run failed or could not be measured."""
    test_metric = (history.sweep.derived or {})["test_metric"]
    found: Values = []
    for number in range(place, history.asks["num_trials"], count):
        if test_metric:
            measured = history.tests.get(number)
            found.append(measured.metrics.get(test_metric) if measured else None)
        else:
            found.append(_validated(history, number))
    return found


def _validated(history: History, number: int) -> float | None:
    trial = history.trials.get(number)
    return trial.value if trial is not None and trial.state in SUCCESSES else None


def _configuration(
    history: History, judgement: Any, candidate: dict[str, Any], place: int, count: int
) -> dict[str, Any]:
    label, numbers = candidate["label"], range(place, history.asks["num_trials"], count)
    score, difference = judgement.scores[label], judgement.differences.get(label)
    validated = [value for number in numbers if (value := _validated(history, number)) is not None]
    promised = candidate["promised"]
    return {
        "label": label,
        "trial": candidate["trial"],
        "config": candidate["config"],
        "promised": promised,
        **asdict(score),
        "values": list(score.values),
        "validation": _mean(validated),
        "selection_gap": None if promised is None or score.mean is None else promised - score.mean,
        "luck": None if promised is None or not validated else promised - sum(validated) / len(validated),
        "difference": None if difference is None else asdict(difference),
        "tied": label == judgement.best or (difference is not None and difference.tied),
        "epochs": [history.trials[n].epoch for n in numbers if _validated(history, n) is not None],
        "others": _others(history, numbers),
    }


def _others(history: History, numbers: range) -> dict[str, float]:
    """Means of what else was measured on the test split, over the seeds."""
    measured = [history.tests[number].metrics for number in numbers if number in history.tests]
    names = dict.fromkeys(name for metrics in measured for name in metrics)
    means = {name: _mean([metrics[name] for metrics in measured if name in metrics]) for name in names}
    first = (history.sweep.derived or {})["test_metric"]
    return {name: mean for name, mean in means.items() if mean is not None and name != first}


def _mean(values: list[float]) -> float | None:
    """Their mean; None where there is none, or no finite one."""
    mean = sum(values) / len(values) if values else math.nan
    return mean if math.isfinite(mean) else None


def _verdict(judgement: Any, searched: str) -> str | None:
    if judgement.best is None:
        return None
    if judgement.best == searched:
        return "first"
    difference = judgement.differences.get(searched)
    return "tied" if difference is not None and difference.tied else "behind"


def _gain(values: dict[str, Values], searched: str, mode: str) -> dict[str, Any] | None:
    if "defaults" not in values or searched == "defaults":
        return None
    pair = (values[searched], values["defaults"])
    better, worse = pair if mode == "max" else pair[::-1]
    return asdict(paired(better, worse))
