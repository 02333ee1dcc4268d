"""`sweep export`: the network that stands for a sweep, as a folder for others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.command_line.asking import trusted
from experiments._sweep.names import sweep_folder
from experiments._sweep.store.places import storage_folder
from experiments._sweep.views.words import clean, place

if TYPE_CHECKING:
    import argparse

    from experiments._sweep.derived.choosing import Chosen
    from experiments._sweep.export.exporting import Exported


def export(arguments: argparse.Namespace) -> int:
    """Writes the refitted or confirmed winner, or the best trial, or the one that was asked for."""
    from experiments._sweep.derived.exporting import exported as exported_by
    from experiments._sweep.export.writing import refuse_occupied
    from experiments._sweep.sweep import Sweep

    to = Path(arguments.to).expanduser()
    refuse_occupied(to)  # before anything slow is imported
    sweep = Sweep(sweep_folder(arguments.sweep, storage_folder(arguments.storage)))

    def exported_when(trust: bool) -> tuple[Exported, Chosen]:
        return exported_by(sweep, to, trial=arguments.trial, data_dir=arguments.data_dir, trust=trust)

    exported, choice = trusted(exported_when, trust=arguments.trust)
    files = [file.name for file in exported.files]
    if arguments.json:
        told = {"folder": str(exported.folder), "files": files, "configuration": choice.label, "epoch": choice.epoch}
        print(json.dumps({**told, "refitted": choice.refitted}, indent=2))
        return 0
    how = ", trained on training and validation rows" if choice.refitted else ""
    print(f"{clean(choice.label)} at epoch {choice.epoch}{how}, in {place(exported.folder)}: {', '.join(files)}")
    print(f"look at it: python {place(exported.folder / 'load.py')}   (it needs PyTorch alone; README.md says more)")
    return 0
