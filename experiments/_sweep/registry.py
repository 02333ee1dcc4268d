"""Where experiments are found: the files of this folder, a file anywhere, or a value in Python.

The registry is the folder: listing it reads docstrings and imports nothing.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import re
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.errors import InputError
from experiments._sweep.names import name_fault, nearest

if TYPE_CHECKING:
    from types import ModuleType

    from experiments._sweep.experiment import Experiment

FOLDER = Path(__file__).resolve().parent.parent
"""The folder of the experiments that come with the package."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """An experiment of the folder, not yet imported."""

    name: str
    question: str
    """First line of the file's docstring."""
    path: Path


@dataclass(frozen=True, kw_only=True)
class FoundExperiment:
    """An experiment together with where it came from."""

    name: str
    question: str
    source: dict[str, str]
    """`kind` (`shipped`, `file`, `python`), `name` and, for a file, its `path`."""
    experiment: Experiment
    overrides: dict[str, Any] = field(default_factory=dict)
    """What the command line changed."""

    @property
    def where(self) -> str:
        """The file for messages."""
        return self.source.get("path", self.name)


class ExperimentImportError(InputError):
    """An experiment's file does not import; `shown` is its own traceback, from its first line on."""

    def __init__(self, fault: str, shown: str) -> None:
        """The fault in one sentence, and the traceback."""
        super().__init__(fault)
        self.shown = shown


def shipped() -> list[Listing]:
    """The experiments of the folder, by name; nothing is imported."""
    files = sorted(path for path in FOLDER.glob("*.py") if not path.name.startswith("_"))
    return [Listing(name=path.stem, question=question_of(path), path=path) for path in files]


def question_of(path: Path) -> str:
    """First line of the docstring of the file at `path`, empty where there is none."""
    try:
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    except (SyntaxError, UnicodeDecodeError):
        return ""
    return (docstring or "").partition("\n")[0]


def find(text: str) -> FoundExperiment:
    """The experiment called `text`: a name that `sweep list` shows, or the path of a Python file.

    Raises:
        InputError: If there is none, or its file does not import.
    """
    names = {listing.name: listing for listing in shipped()}
    if text in names:
        return _shipped(names[text])
    path = Path(text).expanduser()
    if path.suffix != ".py" and "/" not in text:
        beside = " It is a file here: add .py." if path.with_suffix(".py").is_file() else ""
        raise InputError(
            f"there is no experiment '{text}': there are {', '.join(names)}, and any path to a .py file."
            f"{beside or nearest(text, names)}"
        )
    if not path.is_file():
        raise InputError(f"{text}: there is no such file. Give the path of an experiment's .py file, or a listed name.")
    return from_file(path.resolve())


def from_source(source: dict[str, str]) -> FoundExperiment:
    """The experiment that a ledger's first line names.

    Raises:
        InputError: If it is not there any more.
    """
    if source["kind"] == "python":
        raise InputError(
            f"the sweep '{source['name']}' was started from a Python value that lies in no file, so it cannot be found "
            "again. Put the experiment into a file as `experiment = Experiment(...)` to resume such sweeps."
        )
    return find(source["name"] if source["kind"] == "shipped" else source["path"])


def _shipped(listing: Listing) -> FoundExperiment:
    module = _imported(listing.path, lambda: importlib.import_module(f"experiments.{listing.name}"))
    return FoundExperiment(
        name=listing.name,
        question=listing.question,
        source={"kind": "shipped", "name": listing.name},
        experiment=_experiment_in(module, listing.path),
    )


def from_file(path: Path) -> FoundExperiment:
    """The experiment in the file at the absolute `path`, imported under a private name with its folder at hand."""
    fault = name_fault(path.stem)
    if fault:
        raise InputError(f"{path}: the file's name is the experiment's name, and {fault}")
    module = _imported(path, lambda: _load(path))
    return FoundExperiment(
        name=path.stem,
        question=question_of(path),
        source={"kind": "file", "name": path.stem, "path": str(path)},
        experiment=_experiment_in(module, path),
    )


def of_value(experiment: Experiment, name: str | None) -> FoundExperiment:
    """The experiment made in Python, with the file it stands in where there is one."""
    for module in list(sys.modules.values()):
        if vars(module).get("experiment") is not experiment:  # getattr would wake up modules that import lazily
            continue
        path = Path(getattr(module, "__file__", None) or "")
        if path.parent == FOLDER:
            return _shipped(Listing(name=path.stem, question=question_of(path), path=path))
        if path.suffix == ".py" and path.is_file():
            source = {"kind": "file", "name": path.stem, "path": str(path.resolve())}
            return FoundExperiment(name=path.stem, question=question_of(path), source=source, experiment=experiment)
    if not name:
        raise InputError("this experiment stands in no file, so it has no name. Give one: experiment.run(name='...').")
    return FoundExperiment(name=name, question="", source={"kind": "python", "name": name}, experiment=experiment)


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


def _imported(path: Path, load: Any) -> ModuleType:
    try:
        module: ModuleType = load()
    except InputError as error:
        raise InputError(*(f"{path}: {fault}" for fault in error.faults)) from error
    except (Exception, SystemExit) as error:
        option = _unknown_option(error)
        if option:
            raise InputError(f"{path}: {option}") from error
        raise ExperimentImportError(
            f"{path} does not import; its own traceback is above.", _own(path, error)
        ) from error
    return module


def _own(path: Path, error: BaseException) -> str:
    """The traceback from the experiment's file on: what lies above it is ours."""
    frames = traceback.extract_tb(error.__traceback__)
    first = next((i for i, frame in enumerate(frames) if frame.filename == str(path)), len(frames))
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames[first:])] if frames[first:] else []
    return "".join([*lines, *traceback.format_exception_only(error)])


def _unknown_option(error: BaseException) -> str:
    """A sentence for `ASHA(grace_periood=1)`, empty for every other exception."""
    match = re.match(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", str(error))
    if not isinstance(error, TypeError) or match is None:
        return ""
    import experiments

    kind = getattr(experiments, match[1], None) if match[1] in experiments.__all__ else None
    options = list(getattr(kind, "__dataclass_fields__", {}))
    if not options:
        return ""
    return f"{match[1]} has no option '{match[2]}' (it has {', '.join(options)}).{nearest(match[2], options)}"


def _experiment_in(module: ModuleType, path: Path) -> Experiment:
    from experiments._sweep.experiment import Experiment

    found = getattr(module, "experiment", None)
    if not isinstance(found, Experiment):
        others = [name for name, value in vars(module).items() if isinstance(value, Experiment)]
        there = f"it has {', '.join(others)}" if others else "it has no Experiment at all"
        raise InputError(f"{path} has no `experiment = Experiment(...)`; {there}. Call the one to run `experiment`.")
    return found
