"""`sweep export`: the network that stands for a sweep, found and written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments._sweep.derived.choosing import chosen
from experiments._sweep.derived.finding import searched_sweep
from experiments._sweep.derived.from_python import options_for
from experiments._sweep.derived.nested import experiment_of
from experiments._sweep.errors import InputError
from experiments._sweep.export.exporting import export
from experiments._sweep.export.writing import refuse_occupied
from experiments._sweep.options import data_folder
from trainables import Trainable

if TYPE_CHECKING:
    from pathlib import Path

    from experiments._sweep.derived.choosing import Chosen
    from experiments._sweep.export.exporting import Exported
    from experiments._sweep.sweep import Sweep


def exported(
    sweep: Sweep, to: Path, *, trial: int | None = None, data_dir: str | None = None, trust: bool = False
) -> tuple[Exported, Chosen]:
    """Writes the refitted or confirmed winner, or the best trial, or the one that is asked for, into the folder `to`.

    Raises:
        UntrustedError: If the sweep may be somebody else's, and is not trusted.
        InputError: If the folder is occupied, there is no such network, its data are not there, or it cannot be
            written for torch alone.
    """
    refuse_occupied(to)
    choice, sweep = chosen(sweep, trial), searched_sweep(sweep)
    options = options_for(sweep, data_dir=data_dir, here=True, trust=trust)
    faults = [] if data_dir is None else list(options.faults())
    with data_folder(options.data):
        trainable = experiment_of(sweep, options).experiment.trainable
        if isinstance(trainable, Trainable):
            faults += trainable.faults(choice.config)
        if faults:
            raise InputError(*faults)
        written = export(
            sweep,
            to=to,
            trainable=trainable,
            trial=_number(choice, sweep),
            checkpoint=choice.checkpoint,
            config=choice.config,
            confirmed=choice.confirmed,
            refitted=choice.refitted,
        )
    return written, choice


def _number(choice: Chosen, searched: Sweep) -> int | None:
    """The number of the configuration in the search, None where the search did not try it."""
    if choice.sweep.folder == searched.folder:
        return choice.trial
    configurations = (choice.confirmed or {}).get("configurations", ())
    return next((each["trial"] for each in configurations if each["label"] == choice.label), None)
