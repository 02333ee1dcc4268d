"""`sweep board`: TensorBoard on one sweep or several, on loopback."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from experiments._sweep.command_line.boards import board_of
from experiments._sweep.command_line.signalled import ended_by_signals
from experiments._sweep.errors import EngineError, InputError
from experiments._sweep.names import sweep_folder
from experiments._sweep.store.places import storage_folder
from experiments._sweep.sweep import Sweep
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

RELOAD_S = 5
"""How often TensorBoard looks for what is new."""
LOOKED_S = 5.0
"""How often the ledgers of sweeps that are drawn here are looked at."""
_TICKED = 500
"""Runs up to which TensorBoard draws the curves of all of them by itself."""
_LARGEST_PORT = 65_535


def board(arguments: argparse.Namespace) -> int:
    """Serves until Ctrl+C."""
    port = _port(arguments.port)
    storage = storage_folder(arguments.storage)
    folders = dict.fromkeys(sweep_folder(text, storage).resolve() for text in arguments.sweep or [None])
    sweeps = [Sweep(folder) for folder in folders]
    with ended_by_signals(), tempfile.TemporaryDirectory(prefix="raysweeps-board-") as scratch:
        shown = board_of(sweeps, Path(scratch))
        url = served(shown.folder, port)
        with contextlib.suppress(KeyboardInterrupt):
            _tell(sweeps, shown.names, url)
            while True:
                time.sleep(LOOKED_S)
                shown.look()
    return 0


def _tell(sweeps: Sequence[Sweep], names: Sequence[str], url: str) -> None:
    metrics = dict.fromkeys(sweep.history.asks["metric"] for sweep in sweeps)
    for line in said([*map(clean, names)], [*map(clean, metrics)], url):
        print(line, flush=True)
    if sum(len(sweep.history.trials) for sweep in sweeps) > _TICKED:
        print(
            f"of more than {_TICKED} trials TensorBoard draws none unasked: tick the box above their list", flush=True
        )


def said(names: list[str], metrics: list[str], url: str) -> list[str]:
    """Where it is seen, here and from another machine."""
    port, host = urlsplit(url).port, clean(socket.gethostname())
    curves = quote(f"^({'|'.join(map(re.escape, metrics))})$", safe="")
    return [
        f"TensorBoard shows {', '.join(names)} at {url}   (Ctrl+C ends it)",
        f"hyperparameters:      {url}#hparams",
        f"curves of the metric: {url}?tagFilter={curves}#timeseries",
        f"from another machine: ssh -L {port}:127.0.0.1:{port} {host}   and open the same address there",
    ]


def _port(given: Any) -> int | None:
    """The port that was asked for, None for any that is free.

    Raises:
        InputError: It is no port.
    """
    if given is None or (isinstance(given, int) and 0 <= given <= _LARGEST_PORT):
        return given
    raise InputError(
        f"--port {given}: that is no port. Allowed are 1 to {_LARGEST_PORT}, and 0 for any that is free; leave --port "
        "out, and a free one from 6006 is found."
    )


def served(folder: Path, port: int | None = None) -> str:
    """The address of a TensorBoard that shows a folder.

    Raises:
        InputError: The port is taken.
        EngineError: TensorBoard did not start.
    """
    from tensorboard import program

    if port:
        _check_free(port)
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    where = ["--logdir", str(folder), "--host", "127.0.0.1", "--reload_interval", str(RELOAD_S)]
    refused = ""
    for asked in [port] if port is not None else [None, 0]:  # without one it tries a few, which may all be taken
        server = program.TensorBoard()
        server.configure(argv=["tensorboard", *where, *([] if asked is None else ["--port", str(asked)])])
        try:
            with contextlib.redirect_stderr(io.StringIO()):  # a note on how it loads data
                return str(server.launch())
        except program.TensorBoardServerException as error:
            refused = clean(str(error))
    raise EngineError(f"TensorBoard did not start: {refused}")


def _check_free(port: int) -> None:
    """Lets pass a port that can be listened at.

    Raises:
        InputError: It cannot.
    """
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError(
                f"--port {port}: TensorBoard cannot listen there ({error.strerror}). Allowed is any port that no other "
                "program has; leave --port out, and a free one is found."
            ) from error
