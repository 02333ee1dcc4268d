"""What a replay has found: the answer that is recorded and shown, and its sentence."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.derived.replay.comparing import CUT
from experiments._sweep.derived.replay.seed_noise import LIMIT, distance
from experiments._sweep.ledger.trial_history import value_of
from experiments._sweep.views.replay import apart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiments._sweep.derived.replay.comparing import Comparison, Run
    from experiments._sweep.derived.replay.seed_noise import Distance, Noise
    from experiments._sweep.derived.replay.suspecting import Suspect


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """Everything that the answer is made of."""

    sweep: str
    """Name of the sweep."""
    trial: int
    replay: str
    """The replay's folder, in the sweep's own."""
    metric: str
    then: Run
    now: Run
    counted: int | None
    """The epoch whose value stands for the trial."""
    comparison: Comparison
    suspects: Sequence[Suspect] = ()
    noise: Noise | str = ""
    """What other seeds change; or why that is not known, empty where it does not matter."""


def answer_of(found: Replayed) -> dict[str, Any]:
    """The answer in JSON's types (NaN and the infinities as texts).

    - `verdict`: `equal`, `within noise`, `beyond noise`, `noise unknown` or `ended otherwise`.
    - `epochs` and `metrics` that were compared; `missing_epochs` and `further_epochs` that only one of the two has.
    - `first_difference`: `epoch`, `metric`, `then` and `now`, None where there is none.
    - `largest_relative_difference`: of the sweep's metric, relative to the larger of the two.
    - `then`, `now`: how they ended, after how many epochs.
    - `curve`: `metric`, and its values `then` and `now`: the sweep's, or that of the first difference where the sweep's
      is equal throughout.
    - `noise`: None, or where it comes from (`origin`, `runs`, `splits`), its `deviations` by epoch, and how far apart
      the two are in standard deviations of the difference between two seeds, `at_counted_epoch` and `over_curve`.
    - `noise_unknown`: why, empty where it is known or does not matter.
    - `candidates`: why they may differ: `kind`, `text`, and whether there is `evidence`.
    """
    comparison, first = found.comparison, found.comparison.first
    apart_by = _distance(found)
    shown = found.metric if comparison.largest or first is None else first.metric
    answer = {
        "sweep": found.sweep,
        "trial": found.trial,
        "replay": found.replay,
        "metric": found.metric,
        "verdict": _verdict(found, apart_by),
        "epochs": comparison.epochs,
        "metrics": list(comparison.metrics),
        "first_difference": first and {key: told(value) for key, value in asdict(first).items()},
        "largest_relative_difference": told(comparison.largest),
        "missing_epochs": comparison.missing,
        "further_epochs": comparison.further,
        "counted_epoch": found.counted,
        "then": _ended(found.then),
        "now": _ended(found.now),
        "curve": {"metric": shown, "then": _told(found.then, shown), "now": _told(found.now, shown)},
        "noise": _noise(found.noise, apart_by),
        "noise_unknown": found.noise if isinstance(found.noise, str) else "",
        "candidates": [asdict(each) for each in found.suspects],
    }
    return answer | {"answer": sentence(answer)}


def values(run: Run, metric: str) -> list[float | None]:
    """A run's curve, None where the value is not finite."""
    return [value_of(dict(record), metric) for record in run.records]


def told(value: Any) -> Any:
    """A value as JSON knows it."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _told(run: Run, metric: str) -> list[Any]:
    return [told(record.get(metric)) for record in run.records]


def _distance(found: Replayed) -> Distance | None:
    if isinstance(found.noise, str):
        return None
    then, now = values(found.then, found.metric), values(found.now, found.metric)
    return distance(then, now, found.noise, found.counted)


def _verdict(found: Replayed, apart_by: Distance | None) -> str:
    comparison = found.comparison
    if comparison.equal:
        return "equal"
    if comparison.ended_otherwise:
        return "ended otherwise"
    if comparison.largest == 0:
        return "within noise"
    if apart_by is None:
        return "noise unknown"
    return "within noise" if apart_by.within else "beyond noise"


def _ended(run: Run) -> dict[str, Any]:
    return {"ending": run.ending, "why": run.why, "epochs": len(run.records)}


def _noise(noise: Noise | str, apart_by: Distance | None) -> dict[str, Any] | None:
    if isinstance(noise, str) or apart_by is None:
        return None
    return {
        "origin": noise.origin,
        "runs": noise.runs,
        "splits": noise.splits,
        "deviations": {str(epoch): value for epoch, value in noise.deviations.items()},
        "at_counted_epoch": told(apart_by.counted),
        "over_curve": told(apart_by.curve),
        "limit": LIMIT,
    }


def sentence(answer: Mapping[str, Any]) -> str:
    """In one: `trial 17 first differs at epoch 3 (val_loss 0.0412 then, 0.0413 now), within seed noise (...); ...`."""
    trial, first = f"trial {answer['trial']}", answer["first_difference"]
    if answer["verdict"] == "equal":
        return f"{trial} trained again {_equal(answer)}."
    parts = [f"{trial} trained again {_equal(answer)}"]
    if first is not None:
        then, now = apart(first["then"], first["now"])
        parts = [f"{trial} first differs at epoch {first['epoch']} ({first['metric']} {then} then, {now} now)"]
    return f"{', '.join([*parts, _judged(answer)])}; {_candidates(answer)}."


def _equal(answer: Mapping[str, Any]) -> str:
    count, ending = answer["epochs"], answer["then"]["ending"]
    same = f"ended the same way ({ending}: {answer['then']['why']})"
    if answer["verdict"] == "equal" and not count:
        return f"{same} before its first epoch"
    metrics = f"{len(answer['metrics'])} metric{'' if len(answer['metrics']) == 1 else 's'}"
    equal = (
        f"is equal to the bit: {count} epoch{'' if count == 1 else 's'}, {metrics}" if count else "has no equal epoch"
    )
    failed = answer["verdict"] == "equal" and ending not in ("completed", *CUT)
    return f"{equal}, and it {same}" if failed else equal


def _judged(answer: Mapping[str, Any]) -> str:
    verdict, noise = answer["verdict"], answer["noise"]
    if verdict == "ended otherwise":
        return f"and ended otherwise: {_ending(answer['then'])} then, {_ending(answer['now'])} now"
    if noise is None and verdict == "within noise":
        return f"while {answer['metric']} is equal to the bit throughout"
    if noise is None:
        return f"and whether that is seed noise is not known: {answer['noise_unknown']}"
    where = "within" if verdict == "within noise" else "beyond"
    at, over = noise["at_counted_epoch"], _standard(noise["over_curve"])
    if at is None:
        return f"{where} seed noise ({over} standard deviations over the curve)"
    counted = f"{_standard(at)} standard deviations at epoch {answer['counted_epoch']}"
    return f"{where} seed noise ({counted}, {over} over the curve)"


def _ending(run: Mapping[str, Any]) -> str:
    why = f" ({run['why']})" if run["why"] and run["ending"] not in ("completed", "stopped") else ""
    return f"{run['ending']} after {run['epochs']} epoch{'' if run['epochs'] == 1 else 's'}{why}"


def _standard(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.1f}" if value >= 0.05 or value == 0 else "below 0.1"


def _candidates(answer: Mapping[str, Any]) -> str:
    certain = [each["text"] for each in answer["candidates"] if each["evidence"]]
    if certain:
        return f"candidates: {'; '.join(certain)}"
    *others, last = [each["text"] for each in answer["candidates"]]
    possible = f"{', '.join(others)} or {last}" if others else last
    return f"nothing that is recorded has changed, which leaves {possible}"
