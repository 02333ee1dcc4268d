"""An experiment's file becomes a module: found by its path, never hiding ours, its own faults told as its own."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from typing import TYPE_CHECKING

from experiments._sweep.errors import InputError
from experiments._sweep.ray_refusals import OURS, sentence
from experiments._sweep.travelled import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from experiments._sweep.experiment import Experiment

being_imported: list[Path] = []
"""The files that are being imported at this moment: they may not start sweeps (`Experiment.run` looks)."""


class ExperimentImportError(InputError):
    """An experiment's file does not import; `shown` is its own traceback, from its first line on."""

    def __init__(self, fault: str, shown: str) -> None:
        """The fault in one sentence, and the traceback."""
        super().__init__(fault)
        self.shown = shown


def _load(path: Path) -> ModuleType:
    name = f"raysweeps_experiment_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # appended: a folder `experiments` beside the file must not hide ours
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # noqa: S101 - a .py file always has one
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def imported_file(path: Path) -> ModuleType:
    """The module of the file at the absolute `path`, under a private name, its folder at the end of the path.

    Raises:
        InputError: If the experiment in it cannot run.
        ExperimentImportError: If it does not import.
    """
    return _imported(path, lambda: _load(path))


def imported_module(path: Path, name: str) -> ModuleType:
    """The module called `name`, whose file is at `path`; raises what `imported_file` raises."""
    return _imported(path, lambda: importlib.import_module(name))


def _imported(path: Path, load: Callable[[], ModuleType]) -> ModuleType:
    being_imported.append(path)
    try:
        return load()
    except InputError as error:
        raise InputError(*(f"{path}: {fault}" for fault in error.faults)) from error
    except (Exception, SystemExit) as error:
        said = sentence(path, error)
        if said:
            raise InputError(f"{path}: {said}") from error
        fault = f"{path} does not import; its own traceback is above.{_hidden(path, error)}"
        raise ExperimentImportError(fault, _own(path, error)) from error
    finally:
        being_imported.pop()


def _hidden(path: Path, error: BaseException) -> str:
    """Says so where the file wants a module of a folder that has the name of one of ours."""
    package, _, module = (getattr(error, "name", None) or "").partition(".")
    folder = path.parent / package
    if not isinstance(error, ModuleNotFoundError) or package not in OURS or not module or not folder.is_dir():
        return ""
    return (
        f" '{package}' is raysweeps' package in {PACKAGES / package}, so the folder {folder} is not found under that "
        "name: rename it."
    )


def _own(path: Path, error: BaseException) -> str:
    """The traceback from the experiment's file on: what lies above it is ours."""
    frames = traceback.extract_tb(error.__traceback__)
    first = next((i for i, frame in enumerate(frames) if frame.filename == str(path)), len(frames))
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames[first:])] if frames[first:] else []
    return "".join([*lines, *traceback.format_exception_only(error)])


def experiment_in(module: ModuleType, path: Path) -> Experiment:
    """The module's `experiment`.

    Raises:
        InputError: If it has none.
    """
    from experiments._sweep.experiment import Experiment

    found = getattr(module, "experiment", None)
    if not isinstance(found, Experiment):
        others = [name for name, value in vars(module).items() if isinstance(value, Experiment)]
        there = f"it has {', '.join(others)}" if others else "it has no Experiment at all"
        raise InputError(f"{path} has no `experiment = Experiment(...)`; {there}. Call the one to run `experiment`.")
    return found
