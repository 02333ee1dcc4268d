"""`sweep board`: TensorBoard on the curves of sweeps, on loopback."""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import threading
from typing import TYPE_CHECKING

from experiments._sweep.errors import EngineError
from experiments._sweep.ledger.lease import holder_of
from experiments._sweep.names import sweep_folder
from experiments._sweep.store.places import storage_folder, url_of
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.tensorboard import FOLDER, Curves

if TYPE_CHECKING:
    import argparse


def board(arguments: argparse.Namespace) -> int:
    """Serves until Ctrl+C."""
    storage = storage_folder(arguments.storage)
    sweeps = [Sweep(sweep_folder(text, storage)) for text in arguments.sweep or [None]]
    for sweep in sweeps:
        # The curves of a working copy may be of long ago: the sweep has gone on elsewhere.
        drawn_elsewhere = url_of(sweep.folder) is not None and holder_of(sweep.folder) is None
        if drawn_elsewhere or not (sweep.folder / FOLDER).is_dir():
            Curves(sweep.folder).redraw(sweep.history)
    url = _served(sweeps)
    print(f"TensorBoard shows {', '.join(sweep.name for sweep in sweeps)} at {url}   (Ctrl+C ends it)", flush=True)
    asked_to_end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_end.set())
    asked_to_end.wait()
    return 0


def _served(sweeps: list[Sweep]) -> str:
    from tensorboard import program

    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    server = program.TensorBoard()
    if len(sweeps) == 1:
        where = ["--logdir", str(sweeps[0].folder / FOLDER)]
    else:
        where = ["--logdir_spec", ",".join(f"{sweep.name}:{sweep.folder / FOLDER}" for sweep in sweeps)]
    server.configure(argv=["tensorboard", *where, "--host", "127.0.0.1", "--reload_interval", "5"])
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # a note on how it loads data
            return str(server.launch())
    except program.TensorBoardServerException as error:
        raise EngineError(f"TensorBoard did not start: {error}") from error
