"""The command `sweep`: a thin face over the Python names. Exit codes: 0, 1, 2, 3, 130 (README)."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.command_line.parser import parse
from experiments._sweep.engine.on_ray.entry.addresses import is_http
from experiments._sweep.errors import EngineError, InputError
from experiments._sweep.importing import ExperimentImportError
from experiments._sweep.ledger.files import LedgerError
from experiments._sweep.ledger.lease import SweepInUseError
from experiments._sweep.redaction import Redactor
from experiments._sweep.views.words import clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

SUBMITTED = ("run", "resume", "confirm", "replay")
"""Commands that a cluster can carry out."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code. Without arguments it is the process's own command, and ends that."""
    code = _code(argv)
    if argv is None and "ray" in sys.modules:
        _end_at_once(code)
    return code


def _code(argv: Sequence[str] | None) -> int:
    try:
        refuse_strangers()
        arguments = parse(sys.argv[1:] if argv is None else list(argv))
        code = _carried_out(arguments)
        sys.stdout.flush()
    except InputError as error:
        if isinstance(error, ExperimentImportError):
            print(clean(Redactor().text(error.shown), lines=True), file=sys.stderr)
        return _refuse(2, error.faults)
    except (EngineError, LedgerError, SweepInUseError) as error:
        return _refuse(3, [str(error)])
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        return _refuse(3, [f"{error.strerror or error}{where}. Make room or restore access, then try again."])
    return code


def _carried_out(arguments: argparse.Namespace) -> int:
    if is_http(getattr(arguments, "address", "local")) and arguments.function in SUBMITTED:
        from experiments._sweep.command_line.submitting import submit

        return submit(arguments)
    module = importlib.import_module(f"experiments._sweep.command_line.{arguments.module}")
    return int(getattr(module, arguments.function)(arguments))


def _end_at_once(code: int) -> None:
    """Ends the process when all is written: what Ray's libraries do after that takes over a second and has no use."""
    if any(not each.daemon for each in threading.enumerate() if each is not threading.main_thread()):
        return  # somebody's work goes on; Python waits for it
    atexit._run_exitfuncs()  # noqa: SLF001 - what was registered there is not passed over
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


def _refuse(code: int, faults: list[str]) -> int:
    for fault in faults:
        print(f"error: {clean(Redactor().text(fault), lines=True)}", file=sys.stderr)
    return code


def refuse_strangers() -> None:
    """Refuses to run when another folder called `trainables` or `search_spaces` is found before ours.

    Raises:
        InputError: Naming both paths.
    """
    ours = Path(__file__).resolve().parents[3]
    faults = []
    for package in ("trainables", "search_spaces"):
        spec = importlib.util.find_spec(package)
        found = Path(spec.origin).parent if spec and spec.origin else None
        if found is None or found.resolve() != ours / package:
            faults.append(
                f"python finds the package '{package}' in {found or 'no folder with an __init__.py'}, not in "
                f"{ours / package}, which raysweeps needs. Take the other folder off PYTHONPATH."
            )
    if faults:
        raise InputError(*faults)
