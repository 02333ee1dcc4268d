"""Where experiments are found: the files of this folder, a file anywhere, or a value in Python.

The registry is the folder: listing it reads docstrings and imports nothing.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments._sweep.errors import InputError
from experiments._sweep.importing import experiment_in, imported_file, imported_module
from experiments._sweep.names import name_fault, nearest
from experiments._sweep.travelled import arrived, came_along, manifest, origin

if TYPE_CHECKING:
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
    """`kind` (`shipped`, `file`, `python`), `name` and, for a file, its `path`, and the `host` that sent it to a
    cluster."""
    experiment: Experiment
    overrides: dict[str, Any] = field(default_factory=dict)
    """What the command line changed."""

    @property
    def where(self) -> str:
        """The file for messages."""
        return self.source.get("path", self.name)


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
        raise InputError(
            f"{text}: there is no such file. Give the path of an experiment's .py file, or a listed name; to resume a "
            f"sweep whose file has moved, give the command in the folder where {path.name} is now."
        )
    return from_file(path.resolve())


def from_source(source: dict[str, str]) -> FoundExperiment:
    """The experiment that a ledger's first line names.

    Raises:
        InputError: If it is not there any more.
    """
    if source["kind"] == "python":
        raise InputError(
            f"the sweep '{source['name']}' was started from a Python value that lies in no file, so it cannot be found "
            "again. Put the experiment into a file as `experiment = Experiment(...)` to resume or confirm such sweeps."
        )
    if source["kind"] == "shipped":
        return find(source["name"])
    path = file_of(source)
    return find(str(path)) if str(path) == source["path"] else from_file(path)


def file_of(source: dict[str, str]) -> Path:
    """The file of an experiment of kind `file`: as it came along, where it was, or where the command is given."""
    path = arrived(Path(source["path"]))
    here = Path.cwd() / path.name
    return path if path.is_file() or not here.is_file() else here


def _shipped(listing: Listing) -> FoundExperiment:
    module = imported_module(listing.path, f"experiments.{listing.name}")
    return FoundExperiment(
        name=listing.name,
        question=listing.question,
        source={"kind": "shipped", "name": listing.name},
        experiment=experiment_in(module, listing.path),
    )


def from_file(path: Path) -> FoundExperiment:
    """The experiment in the file at the absolute `path`, imported under a private name with its folder at hand."""
    fault = name_fault(path.stem)
    if fault:
        raise InputError(f"{path}: the file's name is the experiment's name, and {fault}")
    module = imported_file(path)
    return FoundExperiment(
        name=path.stem,
        question=question_of(path),
        source=_source(path),
        experiment=experiment_in(module, path),
    )


def _source(path: Path) -> dict[str, str]:
    """Where an experiment came from: of one that was sent, on the machine that sent it."""
    sent = {"host": manifest()["host"]} if came_along(path) else {}
    return {"kind": "file", "name": path.stem, "path": str(origin(path)), **sent}


def of_value(experiment: Experiment, name: str | None) -> FoundExperiment:
    """The experiment made in Python, with the file it stands in where there is one."""
    for module in list(sys.modules.values()):
        if vars(module).get("experiment") is not experiment:  # getattr would wake up modules that import lazily
            continue
        path = Path(getattr(module, "__file__", None) or "")
        if path.parent == FOLDER:
            return _shipped(Listing(name=path.stem, question=question_of(path), path=path))
        if path.suffix == ".py" and path.is_file():
            source, question = _source(path.resolve()), question_of(path)
            return FoundExperiment(name=path.stem, question=question, source=source, experiment=experiment)
    if not name:
        raise InputError("this experiment stands in no file, so it has no name. Give one: experiment.run(name='...').")
    return FoundExperiment(name=name, question="", source={"kind": "python", "name": name}, experiment=experiment)
