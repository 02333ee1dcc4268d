"""What another seed changes in a trial: found in what was trained already, or trained."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments._sweep.derived import nested
from experiments._sweep.derived.confirmation.candidates import SEEDS
from experiments._sweep.derived.finding import confirmations, is_begun
from experiments._sweep.derived.repetition import repetition
from experiments._sweep.derived.replay.answering import values
from experiments._sweep.derived.replay.comparing import Run
from experiments._sweep.derived.replay.seed_noise import FEWEST, Noise, deviations
from experiments._sweep.derived.replay.until import Until
from experiments._sweep.experiment import trainable_name
from experiments._sweep.ledger.records import SUCCESSES
from experiments._sweep.sweep import Sweep
from trainables import Trainable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.derived.nested import Watching
    from experiments._sweep.driving import Outcome
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.trial_history import TrialHistory
    from experiments._sweep.options import RunOptions
    from experiments._sweep.registry import FoundExperiment

KIND = FOLDER = "noise"
COPIES = FEWEST
_STREAM = 4  # confirmations draw from 3, start points and searchers from 2 and 1


def known_noise(sweep: Sweep, trial: TrialHistory, replays: Sequence[Sweep]) -> Noise | None:
    """The noise of a trial of `sweep` where its configuration was trained on enough other seeds; None where it was not.

    Newer confirmations come before older ones, and both before what `replays` of the trial have trained.
    """
    copies = [Sweep(folder) for each in replays if is_begun(folder := each.folder / FOLDER)]
    for place in [*reversed(confirmations(sweep)), *reversed(copies)]:
        runs = [run for run in place.history.in_state(*SUCCESSES) if _same(run.config, trial.config)]
        curves = [values(Run.of(run), trial.metric) for run in runs]
        found = deviations(curves)
        if found and max(found) >= (trial.epoch or 1):
            origin = place.name if place.name != FOLDER else f"{place.folder.parent.name}/{place.name}"
            splits = len({run.config.get("split_seed") for run in runs}) > 1
            return Noise(origin=origin, runs=len(runs), splits=splits, deviations=found)
    return None


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two configurations are the same but for their seeds."""
    texts = (
        json.dumps({key: value for key, value in each.items() if key not in SEEDS}, sort_keys=True)
        for each in (one, other)
    )
    return len(set(texts)) == 1


def unseeded(experiment: Experiment) -> str:
    """Why copies on other seeds cannot be trained, empty where they can."""
    if not isinstance(experiment.trainable, Trainable):
        return "a plain Ray function does not say where its chance comes from"
    if not experiment.takes("seed"):
        return f"{trainable_name(experiment.trainable)} takes no 'seed'"
    return ""


def reseeded(
    found: FoundExperiment,
    replay: Sweep,
    trial: TrialHistory,
    options: RunOptions,
    observers: Watching | None,
    **changed: Any,
) -> Outcome | None:
    """Trains copies of a trial on other seeds, and on the same split, in the folder of its replay.

    Goes on with them where they have not ended; None where they have.

    Args:
        found: The experiment of the trial's sweep.
        replay: The trial's replay, which has ended.
        trial: As it was recorded.
        options: Where it runs.
        observers: Makes those who watch.
        **changed: Fields of the experiment that are as they were then.
    """
    folder, scheduler = replay.folder / FOLDER, Until(epoch=len(trial.epochs))
    if is_begun(folder):
        before = Sweep(folder)
        if have_ended(before):
            return None
        again = nested.repeated(found, before, scheduler, **changed)
        return nested.go_on(again, before, options, observers(again) if observers else None)
    seeds = _seeds(changed["seed"], trial)
    experiment = repetition(
        found.experiment,
        [{**trial.config, "seed": seed} for seed in seeds],
        [f"trial {trial.number} on other seed {place} of {COPIES}" for place in range(1, COPIES + 1)],
        scheduler,
        **changed,
    )
    question = f"Trial {trial.number} on {COPIES} other seeds: how much is chance?"
    again = dataclasses.replace(found, experiment=experiment, question=question)
    derived = {"kind": KIND, "trial": trial.number, "seeds": seeds}
    return nested.begin(again, folder, derived, options, observers(again) if observers else None)


def have_ended(copies: Sweep) -> bool:
    """Whether all the copies have ended, well or not."""
    trials = copies.history.trials.values()
    return len(trials) == COPIES and all(each.ended for each in trials)


def _seeds(seed: int, trial: TrialHistory) -> list[int]:
    """Seeds other than the trial's own."""
    sequence = np.random.SeedSequence([seed, trial.number], spawn_key=(_STREAM,))
    drawn = [int(each) for each in sequence.generate_state(COPIES + 1)]
    return [each for each in drawn if each != trial.config.get("seed")][:COPIES]
