"""What the tests of the experiments share: a made-up trainable, sweeps of it without Ray, and records by hand."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict
from ray import tune

from experiments import FIFO, Experiment, Random
from experiments._sweep.engine.deciding.conductor import Conductor
from experiments._sweep.engine.journal import Journal
from experiments._sweep.ledger.files import LEDGER, LedgerWriter
from experiments._sweep.ledger.records import DriverStarted, Entry, SweepOpened
from tests.experiments.confirmable import Workplace
from tests.experiments.resumable import Place
from trainables import Checkpoints, Record, Trainable

Train = Callable[[Any, Any], Iterator[Record]]


class Made(BaseModel):
    """A configuration that costs nothing to train."""

    model_config = ConfigDict(extra="forbid")

    x: float = 0.0
    """Where the loss ends."""
    epochs: int = 1
    seed: int = 0


def made_up(config: Made, checkpoints: Checkpoints | None) -> Iterator[Record]:
    """Falls from x + 1 to x; resumable; the same numbers each time."""
    saved = checkpoints.newest() if checkpoints else None
    if saved is not None:
        yield saved.record
    for epoch in range(saved.record["epoch"] + 1 if saved else 1, config.epochs + 1):
        record = {"epoch": epoch, "loss": config.x + 1 / epoch}
        if checkpoints:
            checkpoints.save(epoch, record, None)
        yield record


def trainable(train: Train = made_up) -> Trainable[Made]:
    """A trainable that reports `loss`, by `train`."""
    return Trainable(name="made_up", config_type=Made, train=train, metrics={"loss": "falls"})


def experiment(train: Train = made_up, **changes: Any) -> Experiment:
    """A small experiment of a made-up trainable."""
    asked: dict[str, Any] = {
        "trainable": trainable(train),
        "space": {"x": tune.uniform(0.0, 1.0)},
        "metric": "loss",
        "mode": "min",
        "search": Random(),
        "scheduler": FIFO(),
        "num_trials": 4,
        "epochs": 3,
    }
    return Experiment(**{**asked, **changes})


def opened(asked: Experiment) -> SweepOpened:
    """The first line of a sweep."""
    return SweepOpened(
        schema=1,
        name="made",
        question="Why?",
        source={"kind": "python", "name": "made"},
        overrides={},
        asks=asked.asks(),
        versions={"python": "3"},
        at=0.0,
    )


def driver(number: int = 1) -> DriverStarted:
    """A driver takes over."""
    return DriverStarted(driver=number, host="here", pid=1, at=100.0 * number)


@dataclass
class Driven:
    """A conductor with its ledger."""

    conductor: Conductor
    journal: Journal
    folder: Path

    def lines(self) -> list[bytes]:
        """The lines of the ledger."""
        return (self.folder / LEDGER).read_bytes().splitlines(keepends=True)


@pytest.fixture
def drive(tmp_path: Path) -> Iterator[Callable[..., Driven]]:
    """Open a sweep's folder as a driver does: a new one, or one that begins with the given lines of a ledger."""
    journals: list[Journal] = []

    def start(asked: Experiment, folder: str = "sweep", ledger: bytes | None = None) -> Driven:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        if ledger is not None:
            (place / LEDGER).write_bytes(ledger)
        journal = Journal(LedgerWriter(place / LEDGER), [])
        journals.append(journal)
        first = [] if journal.history.opened else [opened(asked)]
        journal.write(*first, driver(journal.history.driver + 1))
        return Driven(Conductor(asked, journal, place), journal, place)

    yield start
    for journal in journals:
        journal.close()


def entries(*records: Any) -> list[Entry]:
    """The records as lines of one ledger."""
    return [Entry(n, record) for n, record in enumerate(records)]


@pytest.fixture
def fresh_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget, afterwards, what was imported from below the test's folder, and that it was on the path."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name, module in list(sys.modules.items()):
        if str(vars(module).get("__file__")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def at_hand(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh_imports: None,  # noqa: ARG001 - for what it does afterwards
) -> Path:
    """Give the folder in which commands are given: empty, with new imports, and nobody waits for disks."""
    for sync in ("os.fsync", "os.fdatasync"):
        monkeypatch.setattr(sync, lambda _: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def workplace(at_hand: Path, capsys: pytest.CaptureFixture[str]) -> Workplace:
    """Give a folder in which a small experiment is searched and confirmed, without Ray."""
    return Workplace(at_hand, capsys)


@pytest.fixture
def resumable(at_hand: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    """Give a folder with a small experiment that is run and resumed without Ray."""
    return Place(at_hand, capsys)
