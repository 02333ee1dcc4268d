"""`sweep export`: the network that stands for a sweep, as a folder for others; its trials as CSV, or for Optuna."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.command_line.asking import trusted
from experiments._sweep.errors import InputError
from experiments._sweep.names import sweep_folder
from experiments._sweep.store.places import storage_folder
from experiments._sweep.views.words import clean, place

if TYPE_CHECKING:
    import argparse

    from experiments._sweep.derived.choosing import Chosen
    from experiments._sweep.export.exporting import Exported
    from experiments._sweep.sweep import Sweep

STDOUT = "-"
MANY_EPOCHS = 2000
"""Epochs from which on Optuna takes more than a few seconds to write them."""
OF_THE_NETWORK = ("trial", "data_dir", "trust")
"""Options that say which network is written, and how."""


def export(arguments: argparse.Namespace) -> int:
    """Writes what is asked for: the network, the table of trials, the study; all of it checked before anything."""
    from experiments._sweep.sweep import Sweep

    _refuse(arguments)
    sweep = Sweep(sweep_folder(arguments.sweep, storage_folder(arguments.storage)))
    told: dict[str, Any] = {}
    if arguments.csv is not None:
        told |= _csv(sweep, arguments)
    if arguments.optuna is not None:
        told |= _optuna(sweep, arguments)
    if arguments.to is not None:
        told |= _network(sweep, arguments)
    if arguments.json:
        print(json.dumps(told, indent=2))
    return 0


def _refuse(arguments: argparse.Namespace) -> None:
    """Refuses places that are occupied and options that belong to something else, all at once.

    Raises:
        InputError: With everything that is wrong.
    """
    faults: list[str] = []
    if arguments.to is None and arguments.csv is None and arguments.optuna is None:
        faults.append(
            "nothing is asked for. Give a place for the network (--to DIR), for a table of the trials (--csv FILE), or "
            "for a study of Optuna's (--optuna sqlite:///study.db)."
        )
    elif arguments.to is None:
        given = [f"--{name.replace('_', '-')}" for name in OF_THE_NETWORK if getattr(arguments, name)]
        given += ["--trial"] if arguments.trial == 0 else []
        if given:
            faults.append(f"{', '.join(given)}: only for the network, which goes into a folder: --to DIR")
    if arguments.by_epoch and arguments.csv is None:
        faults.append("--by-epoch is about the table, and none is asked for: --csv FILE")
    if arguments.csv == STDOUT and arguments.json:
        faults.append("--csv - and --json would both write to the output. Give the table a file.")
    for refuse in _places(arguments):
        try:
            refuse()
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(*faults)


def _places(arguments: argparse.Namespace) -> list[Any]:
    """What looks at each of the places; nothing slow is imported for one that is not asked for."""
    checks: list[Any] = []
    if arguments.to is not None:
        from experiments._sweep.export.writing import refuse_occupied

        checks.append(lambda: refuse_occupied(Path(arguments.to).expanduser()))
    if arguments.csv is not None and arguments.csv != STDOUT:
        from experiments._sweep.analysis.writing import refuse_place

        checks.append(lambda: refuse_place(Path(arguments.csv).expanduser(), "--csv", there=False))
    if arguments.optuna is not None:
        from experiments._sweep.analysis.storing import refuse_storage

        checks.append(lambda: refuse_storage(arguments.optuna))
    return checks


def _csv(sweep: Sweep, arguments: argparse.Namespace) -> dict[str, Any]:
    from experiments._sweep.analysis.table import csv_lines, epoch_rows, trial_rows
    from experiments._sweep.analysis.writing import write_whole

    rows = epoch_rows(sweep.history) if arguments.by_epoch else trial_rows(sweep.history)
    if arguments.csv == STDOUT:
        for line in csv_lines(rows):
            sys.stdout.write(line)
        return {}
    to = Path(arguments.csv).expanduser()
    write_whole(to, "".join(csv_lines(rows)))
    if not arguments.json:
        what = "epoch" if arguments.by_epoch else "trial"
        print(f"{len(rows)} {what}{'' if len(rows) == 1 else 's'} of {clean(sweep.name)} in {place(to)}")
    return {"csv": str(to), "rows": len(rows)}


def _optuna(sweep: Sweep, arguments: argparse.Namespace) -> dict[str, Any]:
    from experiments._sweep.analysis.storing import stored

    is_made_of_another = sweep.history.sweep.derived is not None
    name = f"{sweep.folder.parent.name}/{sweep.name}" if is_made_of_another else sweep.name
    epochs = sum(len(trial.epochs) for trial in sweep.history.trials.values())
    if epochs >= MANY_EPOCHS:
        print(f"writing {len(sweep.history.trials)} trials with {epochs} epochs ...", file=sys.stderr)
    written = stored(sweep.history, name, arguments.optuna)
    if not arguments.json:
        print(f"{written.trials} trials as the study {clean(written.study)} in {clean(written.url)}")
        print(f"look at it: optuna-dashboard {clean(written.url)}   (pip install optuna-dashboard)")
    return {"study": written.study, "storage": written.url, "trials": written.trials}


def _network(sweep: Sweep, arguments: argparse.Namespace) -> dict[str, Any]:
    from experiments._sweep.derived.exporting import exported as exported_by

    to = Path(arguments.to).expanduser()

    def exported_when(trust: bool) -> tuple[Exported, Chosen]:
        return exported_by(sweep, to, trial=arguments.trial, data_dir=arguments.data_dir, trust=trust)

    exported, choice = trusted(exported_when, trust=arguments.trust)
    files = [file.name for file in exported.files]
    if not arguments.json:
        how = ", trained on training and validation rows" if choice.refitted else ""
        print(f"{clean(choice.label)} at epoch {choice.epoch}{how}, in {place(exported.folder)}: {', '.join(files)}")
        print(
            f"look at it: python {place(exported.folder / 'load.py')}   (it needs PyTorch alone; README.md says more)"
        )
    told = {"folder": str(exported.folder), "files": files, "configuration": choice.label, "epoch": choice.epoch}
    return {**told, "refitted": choice.refitted}
