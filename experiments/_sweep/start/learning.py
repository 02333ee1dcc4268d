"""Warm start: which ended trials of earlier sweeps the searcher of a new one is told, and why not the others.

A trial is told where it answers the same question: the same trainable, a configuration that the new space has, the
same constants, and the new sweep's metric in its records. It is copied into the new ledger, so that a resumed sweep
needs nothing of the old ones.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from experiments._sweep.errors import InputError
from experiments._sweep.experiment import trainable_name
from experiments._sweep.ledger.files import LedgerError
from experiments._sweep.ledger.trial_history import flat, value_of
from experiments._sweep.names import sweep_folder
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.words import learned_in_words
from search_spaces import SearchSpace, constants, searched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from experiments._sweep.experiment import Experiment
    from experiments._sweep.ledger.records import EpochReported
    from experiments._sweep.ledger.trial_history import TrialHistory

TELLING = ("completed", "stopped", "diverged", "out_of_memory")
"""Endings that say something about the configuration; an exception, a lost process and a timeout do not."""
CHANCE = ("seed", "split_seed")
"""What may differ: the same question asked with other random numbers."""
BUDGET = "epochs"


def learned(experiment: Experiment, sweeps: Sequence[str], storage: Path) -> list[dict[str, Any]]:
    """What `experiment` learns from earlier sweeps, one each, as `SweepOpened.learned` keeps it.

    Args:
        experiment: The new one.
        sweeps: Names or paths.
        storage: The folder in which names are looked for.

    Raises:
        InputError: If the searcher learns from no trial, a sweep is not there, or nothing in it fits.
    """
    faults, records = [], []
    if sweeps and not getattr(experiment.search, "learns", False):
        search = getattr(experiment.search, "name", type(experiment.search).__name__)
        faults.append(
            f"--learn-from: {search} cannot be told trials of other sweeps. Use --search hyperopt or --search bayesopt."
        )
    folders: set[Path] = set()
    for text in sweeps:
        try:
            sweep = Sweep(sweep_folder(text, storage))
            if sweep.folder in folders:  # named twice
                continue
            folders.add(sweep.folder)
            record = _learned_from(experiment, text, sweep)
        except InputError as error:
            faults += [f"--learn-from: {fault}" for fault in error.faults]
        except LedgerError as error:
            faults.append(f"--learn-from: {error}")
        else:
            records.append(record)
            faults += [] if record["trials"] else [f"--learn-from: nothing is learned. {learned_in_words(record)}"]
    if faults:
        raise InputError(*faults)
    return records


def _learned_from(experiment: Experiment, text: str, sweep: Sweep) -> dict[str, Any]:
    asks, ours = sweep.history.asks, trainable_name(experiment.trainable)
    if asks["trainable"] != ours:
        raise InputError(f"{text} trained {asks['trainable']}, this experiment trains {ours}. Leave it out.")
    trials, refused = [], defaultdict(list)
    for trial in sweep.history.trials.values():
        why = _misfit(experiment, trial)
        if why:
            refused[why].append(trial.number)
        else:
            trials.append(_told(experiment, trial, budget=asks["epochs"]))
    return {"sweep": text, "trials": trials, "refused": dict(refused)}


def _misfit(experiment: Experiment, trial: TrialHistory) -> str:
    """Why a trial says nothing about the new question, empty where it does; the same words for the same reason."""
    if trial.state not in TELLING:
        return f"ended as {trial.state}" if trial.ended else "not ended"
    if not _values(experiment, trial) and trial.state not in ("diverged", "out_of_memory"):
        return f"without a {experiment.metric}"
    config, defaults = _completed(experiment, experiment.whole(trial.config)), _defaults(experiment)
    for key, constant in flat(constants(experiment.space)).items():
        if key not in CHANCE and key != BUDGET and (why := _differs(experiment, key, flat(config).get(key), constant)):
            return why
    for key, value in config.items():
        known = key in experiment.space or key in (*CHANCE, BUDGET)
        if not known and (why := _differs(experiment, key, value, defaults.get(key))):
            return why
    for key, part in searched(experiment.space).items():
        if SearchSpace({key: part}).values_of(config) is None:
            return f"{key} is not what is searched" if key in config else f"without {key}"
    values = experiment.searched.values_of(config)
    return "" if values is not None and experiment.searched.allows(values) else "not allowed by `require`"


def _differs(experiment: Experiment, key: str, then: Any, now: Any) -> str:
    if json.dumps(then, sort_keys=True) == json.dumps(now, sort_keys=True, default=repr):
        return ""
    secret = experiment.secrets.has(key)
    then, now = (_short(experiment.redactor.value(each, secret=secret)) for each in (then, now))
    return f"{key} was {then}, here {now}"


def _short(value: Any) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:60]} ..."


def _told(experiment: Experiment, trial: TrialHistory, *, budget: int) -> dict[str, Any]:
    """The trial as the new ledger keeps it, cut at the new budget."""
    config = _completed(experiment, trial.config)
    most, values = experiment.budget(config), _values(experiment, trial)
    ending = trial.state
    if ending in ("completed", "stopped"):
        by_itself = ending == "completed" and len(trial.epochs) < int(trial.config.get(BUDGET, budget))
        ending = "completed" if by_itself or max(map(int, values)) >= most else "stopped"
    return {"trial": trial.number, "config": config, "values": values, "ending": ending}


def _values(experiment: Experiment, trial: TrialHistory) -> dict[str, float]:
    """The new metric by epoch, up to the new budget."""
    until = experiment.budget(trial.config) if BUDGET in trial.config or BUDGET not in experiment.space else None
    return dict(_finite(trial.epochs[:until], experiment.metric))


def _finite(epochs: Sequence[EpochReported], metric: str) -> Iterator[tuple[str, float]]:
    for record in epochs:
        value = value_of(record.metrics, metric)
        if value is not None:
            yield str(record.epoch), value


def _completed(experiment: Experiment, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with the trainable's defaults for what the new space has and it does not."""
    defaults = _defaults(experiment)
    missing = [key for key in experiment.space if key not in config and key in defaults]
    return {**config, **{key: defaults[key] for key in missing}}


def _defaults(experiment: Experiment) -> dict[str, Any]:
    config_type = getattr(experiment.trainable, "config_type", None)
    fields = config_type.model_fields if config_type else {}
    return {
        name: field.get_default(call_default_factory=True) for name, field in fields.items() if not field.is_required()
    }
