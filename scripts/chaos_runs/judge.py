"""Was it as promised? By what the trials told outside the sweep, by its ledger, and by the sweep without a fault."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scripts.chaos_runs.folding import Folded, Ran, folded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from experiments._sweep.ledger.records import Entry
    from scripts.chaos_runs.witness import Told

CLOCK = ("seconds", "samples_per_second")
"""Metrics that no two trainings share."""
OWN_ENDINGS = ("completed", "stopped", "diverged")
"""Endings that a trial has by itself; every other one was brought about by a fault."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that is known of a sweep with faults."""

    entries: Sequence[Entry]
    """Its ledger."""
    uninterrupted: Sequence[Entry]
    """The ledger of the same sweep without a fault."""
    told: Sequence[Told]
    """The witness file."""
    alone: bool
    """Whether one trial ran at a time: then proposals, decisions and endings must be the same."""
    apart: Mapping[int, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Trial to the records of its configuration trained in a plain loop, where the uninterrupted sweep has fewer."""


@dataclass(kw_only=True)
class Verdict:
    """What was found; all lists empty and `worst` at most 1 is as promised."""

    trials: int = 0
    epochs: int = 0
    lost: list[str] = field(default_factory=list)
    """Trials that are not there, or have no ending of their own."""
    twice: list[str] = field(default_factory=list)
    """Trials trained on after their ending, or one configuration under two numbers."""
    records: list[str] = field(default_factory=list)
    """Records that are missing, doubled, or not what training gives."""
    otherwise: list[str] = field(default_factory=list)
    """Proposals, decisions and endings unlike those of the uninterrupted sweep."""
    begun_again: int = 0
    """Epochs that were begun once more."""
    trained_again: int = 0
    """Those of them that had been trained whole: the kill came while their checkpoint was saved."""
    worst: int = 0
    """Most epochs of one trial begun again after one kill."""
    unexplained: list[str] = field(default_factory=list)
    """Epochs begun again without a kill of their trial, or more than one after a kill."""

    @property
    def broken(self) -> list[str]:
        """Everything that was not as promised."""
        return [*self.lost, *self.twice, *self.records, *self.otherwise, *self.unexplained]


def judged(evidence: Evidence) -> Verdict:
    """The verdict."""
    ran, without = folded(evidence.entries), folded(evidence.uninterrupted)
    trials = ran.trials.keys() | without.trials.keys()
    verdict = Verdict(trials=len(trials), epochs=sum(len(trial.epochs) for trial in ran.trials.values()))
    verdict.twice, verdict.records = ran.twice, ran.records
    _judge_trials(verdict, ran, without)
    _judge_training(verdict, ran, evidence.told)
    _judge_records(verdict, ran, without, evidence.apart)
    _judge_recomputed(verdict, ran, evidence.told)
    if evidence.alone:
        _judge_decisions(verdict, ran, without)
    return verdict


def _judge_trials(verdict: Verdict, ran: Folded, without: Folded) -> None:
    verdict.lost += [f"trial {number} is lost" for number in sorted(without.trials.keys() - ran.trials.keys())]
    for trial in ran.trials.values():
        if trial.ending not in OWN_ENDINGS:
            verdict.lost.append(f"trial {trial.number} has the ending {trial.ending}: {trial.why}")
    known: dict[str, int] = {}
    for trial in ran.trials.values():
        first = known.setdefault(configuration(trial), trial.number)
        if first != trial.number:
            verdict.twice.append(f"trial {trial.number} has the configuration of trial {first}")


def configuration(trial: Ran) -> str:
    """What is searched, as text: a trial's own seed and its budget left out."""
    return text({name: value for name, value in trial.proposed.config.items() if name not in ("seed", "epochs")})


def text(value: Any) -> str:
    """Equal texts mean equal values to the bit, NaN included."""
    return json.dumps(value, sort_keys=True)


def _judge_training(verdict: Verdict, ran: Folded, told: Sequence[Told]) -> None:
    """Whether what was trained and what is recorded are the same epochs."""
    trained: dict[int, set[int]] = {}
    for each in told:
        if each.what != "kill":
            trained.setdefault(each.seed or 0, set())
        if each.what == "trained":
            trained[each.seed or 0].add(each.epoch)
    for trial in ran.trials.values():
        recorded = {each.epoch for each in trial.epochs}
        done = trained.pop(trial.seed, set())
        if done - recorded:
            verdict.records.append(f"trial {trial.number}: trained and not recorded: epochs {sorted(done - recorded)}")
        if recorded - done:
            verdict.records.append(f"trial {trial.number}: recorded and not trained: epochs {sorted(recorded - done)}")
        last = len(trial.epochs)
        if any(each.what == "begins" and each.seed == trial.seed and each.epoch > last for each in told):
            verdict.twice.append(f"trial {trial.number} was trained on after its ending at epoch {last}")
    verdict.twice += [f"a trial with the seed {seed}, which the ledger does not know, was trained" for seed in trained]


def _judge_records(
    verdict: Verdict, ran: Folded, without: Folded, apart: Mapping[int, Sequence[Mapping[str, Any]]]
) -> None:
    """Whether each epoch has the metrics that training has without a fault, to the bit."""
    same = {_as_trained(trial): trial for trial in without.trials.values()}
    for trial in ran.trials.values():
        match = same.get(_as_trained(trial))
        expected: list[Mapping[str, Any]] = [each.metrics for each in match.epochs] if match else []
        expected += list(apart.get(trial.number, []))[len(expected) :]
        if len(expected) < len(trial.epochs):
            verdict.records.append(f"trial {trial.number}: nothing to compare epoch {len(expected) + 1} with")
        for recorded, other in zip(trial.epochs, expected, strict=False):
            if text(_without_clock(recorded.metrics)) != text(_without_clock(other)):
                verdict.records.append(f"trial {trial.number}: epoch {recorded.epoch} is not what training gives")


def needed(entries: Sequence[Entry], uninterrupted: Sequence[Entry]) -> list[Ran]:
    """The trials whose epochs the uninterrupted sweep does not have all."""
    same = {_as_trained(trial): len(trial.epochs) for trial in folded(uninterrupted).trials.values()}
    return [each for each in folded(entries).trials.values() if same.get(_as_trained(each), 0) < len(each.epochs)]


def _as_trained(trial: Ran) -> str:
    return text(trial.proposed.config)


def _without_clock(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metrics.items() if name not in CLOCK}


def _judge_recomputed(verdict: Verdict, ran: Folded, told: Sequence[Told]) -> None:
    """Counts the epochs begun again, each against the kill that its process died of."""
    numbers = {trial.seed: trial.number for trial in ran.trials.values()}
    begun: dict[tuple[int | None, int], Told] = {}
    whole: set[tuple[int | None, int]] = set()
    cost = Counter[tuple[int, int | None]]()
    for place, each in enumerate(told):
        at = each.seed, each.epoch
        if each.what == "trained":
            verdict.trained_again += at in whole
            whole.add(at)
        elif each.what == "begins":
            if at in begun:
                kill = _kill_of(begun[at], told[:place])
                cost[kill, each.seed] += 1
                if kill < 0 or cost[kill, each.seed] > 1:
                    why = "without a kill" if kill < 0 else f"the {cost[kill, each.seed]}. after one kill"
                    verdict.unexplained.append(f"trial {numbers.get(each.seed or 0)}: epoch {each.epoch} again, {why}")
            begun[at] = each
    verdict.begun_again, verdict.worst = sum(cost.values()), max(cost.values(), default=0)


def _kill_of(begun: Told, told: Sequence[Told]) -> int:
    """The place of the kill of the process that has begun an epoch, or of its driver; -1 where there is none."""
    for place, each in enumerate(told):
        of_driver = each.target != "trial" and each.driver == begun.driver
        if each.what == "kill" and (of_driver or (each.driver, each.pid) == (begun.driver, begun.pid)):
            return place
    return -1


def _judge_decisions(verdict: Verdict, ran: Folded, without: Folded) -> None:
    """Whether each trial was proposed, judged and ended as without a fault."""
    for number, other in without.trials.items():
        trial = ran.trials.get(number)
        if trial is None:
            continue
        said: dict[str, list[Any]] = {
            "proposal": [
                (each.proposed.config, each.proposed.origin, each.proposed.bracket) for each in (trial, other)
            ],
            "ending": [(each.ending, each.why) for each in (trial, other)],
            "decisions": [[(one.action, one.rung, one.why) for one in each.epochs] for each in (trial, other)],
        }
        verdict.otherwise += [
            f"trial {number}: its {what} {'are' if what == 'decisions' else 'is'} not as in the uninterrupted sweep"
            for what, (here, there) in said.items()
            if text(here) != text(there)
        ]
    further = sorted(ran.trials.keys() - without.trials.keys())
    verdict.otherwise += [f"trial {number} is not in the uninterrupted sweep" for number in further]


def _proposal(trial: Ran) -> list[Any]:
    made = trial.proposed
    return [made.config, made.origin, made.bracket, made.details]
