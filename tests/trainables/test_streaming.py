"""Image files that do not fit: the batches of the stored ones, from workers that never outlive what they work for."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

import trainables
from trainables import Examples, limit_threads, load_images
from trainables._training.data.images import folder as folder_images
from trainables._training.data.images.streaming import Streamed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainables import Part, TrainingData

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _one_cpu_afterwards() -> Iterator[None]:
    limit_threads(1)
    yield
    limit_threads(1)


@pytest.fixture
def streamed(small_image_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., TrainingData]:
    """Give the function that loads `flowers` as if it did not fit."""
    assert small_image_folder.is_dir()
    monkeypatch.setenv("RAYSWEEPS_CACHE", str(tmp_path / "cache"))

    def load(**options: Any) -> TrainingData:
        with monkeypatch.context() as small:
            small.setenv("RAYSWEEPS_CACHE_GB", "0.000005")
            data = load_images("image_folder", folder="flowers", **options)
        assert isinstance(data.training, Streamed)
        return data

    return load


@pytest.fixture
def stored(small_image_folder: Path) -> Callable[..., TrainingData]:
    """Give the function that loads another copy of `flowers` as what fits."""
    copy = small_image_folder.with_name("copy")
    copy.symlink_to(small_image_folder)

    def load(**options: Any) -> TrainingData:
        data = load_images("image_folder", folder="copy", **options)
        assert isinstance(data.training, Examples)
        return data

    return load


def _assert_equal(first: Iterator[Any], second: Iterator[Any]) -> None:
    batches = list(zip(first, second, strict=True))
    assert batches
    for (inputs, targets), (other_inputs, other_targets) in batches:
        assert torch.equal(inputs, other_inputs)
        assert torch.equal(targets, other_targets)
        assert inputs.dtype is torch.float32


def _seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class _Brighter:
    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs // 2 + 100

    def to(self, device: torch.device) -> _Brighter:
        return self


@pytest.mark.parametrize(("cpus", "image_size"), [(1, None), (1, 5), (3, None)])
def test_same_batches_as_stored(
    cpus: int,
    image_size: int | None,
    streamed: Callable[..., TrainingData],
    stored: Callable[..., TrainingData],
) -> None:
    """Streamed or stored, with workers or without: the same rows in the same order with the same numbers."""
    limit_threads(cpus)
    ours, theirs = streamed(image_size=image_size), stored(image_size=image_size)
    assert ours.input_shape == theirs.input_shape
    assert ours.classes == theirs.classes == 3
    assert len(ours.training) + len(ours.validation) == 48
    # 39 rows: a batch size of 19 leaves one row for the last batch, which joins the one before it
    for part, other in ((ours.training, theirs.training), (ours.validation, theirs.validation)):
        _assert_equal(part.shuffled(19, _seeded()), other.shuffled(19, _seeded()))
        _assert_equal(part.in_order(7), other.in_order(7))
        _assert_equal(part.sample(5, seed=1).in_order(2), other.sample(5, seed=1).in_order(2))
        assert torch.equal(part.raw(4), other.raw(4))
    _assert_equal(
        ours.training.shuffled(8, _seeded(), _Brighter()), theirs.training.shuffled(8, _seeded(), _Brighter())
    )


def test_test_part_is_streamed_too(
    streamed: Callable[..., TrainingData], stored: Callable[..., TrainingData], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test part, when it does not fit either, gives the batches of the stored one."""
    streamed()
    stored()
    theirs = trainables.test_images("image_folder", folder="copy")
    monkeypatch.setattr(folder_images, "_machine_memory", lambda: 100)
    ours = trainables.test_images("image_folder", folder="flowers")
    assert isinstance(ours, Streamed)
    assert isinstance(theirs, Examples)
    _assert_equal(ours.in_order(5), theirs.in_order(5))


@pytest.mark.parametrize("cpus", [1, 2])
def test_global_random_state_is_left_alone(cpus: int, streamed: Callable[..., TrainingData]) -> None:
    """The given generator alone decides the order; torch's own state neither decides nor moves."""
    limit_threads(cpus)
    data = streamed()
    before = torch.get_rng_state()
    first = [targets.tolist() for _, targets in data.training.shuffled(8, _seeded())]
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    assert first == [targets.tolist() for _, targets in data.training.shuffled(8, _seeded())]
    assert first != [targets.tolist() for _, targets in data.training.shuffled(8, _seeded(1))]


def _children(process: int) -> set[int]:
    """Give the processes below a process; what ends while it is looked at is not one of them."""
    below: set[int] = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for child in (thread / "children").read_text().split():
                    below |= {int(child)} | _children(int(child))
    return below


def _assert_gone(processes: set[int], seconds: float) -> None:
    """Wait until processes are gone, the latest after some seconds."""
    for process in processes:
        try:
            watched = os.pidfd_open(process)
        except ProcessLookupError:
            continue
        try:
            poll = select.poll()
            poll.register(watched, select.POLLIN)
            assert poll.poll(1000 * seconds), f"{process} still runs: {Path(f'/proc/{process}/cmdline').read_text()}"
        finally:
            os.close(watched)


@pytest.mark.parametrize("end", ["exhausted", "closed"])
def test_workers_end_with_the_epoch(end: str, streamed: Callable[..., TrainingData]) -> None:
    """When an epoch ends or is given up, its workers are gone; only the server that makes them stays."""
    limit_threads(3)
    part: Part = streamed().training
    list(part.in_order(20))  # starts the server
    idle = _children(os.getpid())
    batches = part.shuffled(4, _seeded())
    next(batches)
    workers = _children(os.getpid()) - idle
    assert len(workers) == 2
    if end == "exhausted":
        assert len(list(batches)) > 5
    else:
        batches.close()  # type: ignore[attr-defined] # a generator
    _assert_gone(workers, 0)
    assert _children(os.getpid()) == idle


def test_workers_die_with_the_trial(small_image_folder: Path, tmp_path: Path) -> None:
    """A trial that is killed by SIGKILL takes its workers with it; its script needs no guard against being imported."""
    assert small_image_folder.is_dir()
    script = tmp_path / "train.py"
    script.write_text(
        "import sys, torch\n"
        "from trainables import limit_threads, load_images\n"
        "print('imported', flush=True)\n"
        "limit_threads(3)\n"
        "batches = load_images('image_folder', folder='flowers').training.shuffled(2, torch.Generator())\n"
        "next(batches)\n"
        "print('streaming', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    environment = os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        "RAYSWEEPS_CACHE": str(tmp_path / "cache"),
        "RAYSWEEPS_CACHE_GB": "0",
    }
    process = subprocess.Popen(
        [sys.executable, script], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["imported\n", "streaming\n"]
        below = _children(process.pid)
        assert len(below) >= 3  # the server and two workers
    finally:
        process.kill()
        process.wait()
    _assert_gone(below, 20)
    process.communicate()


def test_process_that_may_have_no_children(
    streamed: Callable[..., TrainingData], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of a `multiprocessing.Pool`, which may start none, images are decoded in it."""
    data = streamed()
    limit_threads(2)
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    assert len(list(data.training.in_order(8))) == -(-len(data.training) // 8)


def test_what_is_measured_is_kept(streamed: Callable[..., TrainingData], capsys: pytest.CaptureFixture[str]) -> None:
    """The pass over all files for the statistics is made once, for every split."""
    first = streamed(split_seed=0)
    kept = folder_images.decode_sums
    try:
        del folder_images.decode_sums  # whoever calls it now fails
        second = streamed(split_seed=1)
    finally:
        folder_images.decode_sums = kept
    assert len(first.training) == len(second.training)
    assert capsys.readouterr().err == ""


def test_file_that_changes_is_named(
    streamed: Callable[..., TrainingData], small_image_folder: Path, image_files: Any
) -> None:
    """A file that is another one than when it was measured is named, from inside a worker too."""
    data = streamed()
    for cpus in (1, 2):
        limit_threads(cpus)
        image_files(small_image_folder / "rose", rows=20, size=(4, 4))
        with pytest.raises(ValueError, match=r"rose/\d\d\.png was changed while it was in use"):
            list(data.training.in_order(64))
