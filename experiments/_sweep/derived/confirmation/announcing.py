"""What is known of a confirmation before it starts: what it will measure, and what there is to say of the search."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from experiments._sweep.errors import InputError
from experiments._sweep.ledger.files import trial_folder
from experiments._sweep.ledger.records import LIMIT_REASONS
from trainables import CheckpointFolder, Trainable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments._sweep.derived.confirmation.candidates import Candidate
    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.history import History
    from experiments._sweep.sweep import Sweep


def refuse_unfit(sweep: Sweep, experiment: Experiment, best: Candidate) -> None:
    """Lets pass where the best configuration can still be trained, on the data that the search has trained on.

    Raises:
        InputError: It cannot, or what it promised, it promised on other data.
    """
    trainable = experiment.trainable
    if not isinstance(trainable, Trainable) or best.trial is None:
        return
    checkpoints = CheckpointFolder(trial_folder(sweep.folder, best.trial), segment=sys.maxsize)
    config = experiment.whole(best.config)
    if faults := trainable.faults(config) or trainable.cannot_go_on(config, checkpoints):
        raise InputError(*faults)


def measured(experiment: Experiment, best: Candidate, seeds: Sequence[str]) -> tuple[str | None, list[str]]:
    """The metric of the test split that is compared; or None, and why there is none.

    Args:
        experiment: Gives trainable and metric.
        best: A configuration that is sound.
        seeds: Names of those that are drawn anew.
    """
    trainable, metric = experiment.trainable, experiment.metric
    splits = "on fresh validation splits" if "split_seed" in seeds else "as the search has measured it"
    instead = f"The configurations are compared by {metric}, {splits}."
    if not isinstance(trainable, Trainable):
        return None, [f"A plain Ray function has no test split. {instead}"]
    reasons = trainable.no_test(experiment.whole(best.config))
    found = trainable.test_metric_of(metric)
    if not reasons and found is None:
        reasons = [f"{trainable.name} measures no counterpart of {metric} on the test split."]
    return (None, [f"{reasons[0].rstrip('.')}. {instead}"]) if reasons else (found, [])


def unfinished(history: History) -> list[str]:
    """What is to be said of a search that has not ended."""
    if history.end is not None and history.end.reason in ("finished", *LIMIT_REASONS):
        return []
    ended, asked = sum(trial.ended for trial in history.trials.values()), history.asks["num_trials"]
    return [f"The search had not finished ({ended} of {asked} trials had ended): a later trial may be better."]


def question(candidates: Sequence[Candidate], seeds: int) -> str:
    """What the confirmation asks, in one line."""
    labels = [each.label for each in candidates]
    named = labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
    return f"{named} on {seeds} fresh seeds. Who is best, and by how much?"
