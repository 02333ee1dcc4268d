"""`sweep report`: what a sweep found, or how several compare, as one file of HTML."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.names import sweep_folder
from experiments._sweep.report.making import reported
from experiments._sweep.store.places import storage_folder
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.words import clean, place

if TYPE_CHECKING:
    import argparse


def report(arguments: argparse.Namespace) -> int:
    """Writes the page, says where it lies, and what its first lines are."""
    storage = storage_folder(arguments.storage)
    sweeps = [Sweep(sweep_folder(text, storage)) for text in arguments.sweep or [None]]
    to, page = reported(sweeps, Path(arguments.to).expanduser() if arguments.to else None, Path.cwd())
    size = f"{to.stat().st_size / 1e6:.1f} MB"
    print(f"{clean(page.name)}: {place(to)} ({size}, opens in a browser without a network)")
    for sentence in filter(None, (*page.lead, page.state)):
        print(clean(sentence))
    return 0
