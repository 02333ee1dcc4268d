"""The life of one seed's sweep: driver after driver, each killed as planned, until one ends by itself."""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from experiments._sweep.ledger.files import LEDGER
from scripts.chaos_runs import orders, processes, witness
from scripts.chaos_runs.drivers import Driver, HangingError, Place, question_file
from scripts.chaos_runs.plan import RANDOM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.chaos_runs.plan import Fault, Plan
    from scripts.chaos_runs.witness import Told

DRIVERS_MORE = 3
"""So many drivers may be needed beyond those that are to be killed: a kill may find nothing."""
AFTERWARDS_S = 20.0
"""How long processes of a driver may live on after the last driver has ended."""


@dataclass(kw_only=True)
class Life:
    """What was done to a sweep, and how it ended."""

    plan: Plan
    folder: Path
    kills: list[Told] = field(default_factory=list)
    drivers: int = 0
    broken: list[str] = field(default_factory=list)
    """What was not as promised on the way, a sentence each."""
    sweep: Path | None = None
    """The sweep's folder."""


@contextlib.contextmanager
def placed(folder: Path) -> Iterator[Place]:
    """A place for a seed's commands; Ray's files are gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as ray:
        yield Place(folder=folder, ray=Path(ray), mark=uuid.uuid4().hex)


def question(plan: Plan) -> list[str]:
    """The command that starts the plan's sweep."""
    pinned = [text for setting in plan.settings for text in ("--set", setting)]
    return ["run", str(question_file(plan)), "--seed", str(plan.seed), *pinned, *_concurrent(plan)]


def _concurrent(plan: Plan) -> list[str]:
    return ["--concurrent", str(plan.concurrent)]


def uninterrupted(plan: Plan, folder: Path) -> Path:
    """The folder of the same sweep without a fault.

    Raises:
        HangingError: If it did not end, or not well.
    """
    with placed(folder) as place:
        driver = Driver(0, question(plan), place, None)
        code = driver.wait([], random.Random())  # noqa: S311 - nothing is drawn
        _quiet([driver])
    if code != 0:
        raise HangingError(f"the uninterrupted sweep ended with exit code {code}:\n{driver.printed}")
    found = _sweep_in(folder)
    assert found is not None
    return found


def lived(plan: Plan, folder: Path, say: Callable[[str], None]) -> Life:
    """Leads the sweep through its faults to its end."""
    life, rng = Life(plan=plan, folder=folder), random.Random(plan.seed)  # noqa: S311 - the same moments again
    drivers: list[Driver] = []
    with placed(folder) as place:
        try:
            _live(life, place, rng, drivers, say)
        except HangingError as error:
            life.broken.append(str(error))
        finally:
            behind = _quiet(drivers)
        if behind:
            life.broken.append(f"lived on {AFTERWARDS_S:g} s after the last driver: {', '.join(behind)}")
    return life


def _live(life: Life, place: Place, rng: random.Random, drivers: list[Driver], say: Callable[[str], None]) -> None:
    """One driver after the other; each is put into `drivers` when it has ended."""
    pending, before = [list(faults) for faults in life.plan.faults], b""
    most = len(pending) + DRIVERS_MORE
    while True:
        life.drivers += 1
        now = pending.pop(0) if pending else []
        code, driver = _driven(life, place, now, rng)
        drivers.append(driver)
        kills, content = _new_kills(life, place), _ledger(life)
        if not content.startswith(before):
            life.broken.append(f"driver {life.drivers} changed what the ledger said before it")
        before = content
        missed = _missed(now, kills)
        lines = content.count(b"\n")
        for kill in kills:
            say(f"driver {life.drivers}: {_in_words(kill)}; {lines} lines in the ledger")
        if code == 0:
            break
        if code > 0 or not any(kill.target != "trial" for kill in kills):
            life.broken.append(f"driver {life.drivers} ended with exit code {code}:\n{driver.printed}")
            break
        if life.drivers == most:
            life.broken.append(f"the sweep has not ended after {most} drivers")
            break
        if missed and pending:
            pending[0] = [*(fault for fault in missed if not fault.ends_driver), *pending[0]]
    unused = {fault.phase for fault in life.plan.all_faults} - {kill.phase for kill in life.kills}
    life.broken += [f"nothing was killed in phase {phase}" for phase in sorted(unused)]


def _driven(life: Life, place: Place, faults: list[Fault], rng: random.Random) -> tuple[int, Driver]:
    life.sweep = _sweep_in(life.folder)
    again = ["resume", life.sweep.name, *_concurrent(life.plan)] if life.sweep else question(life.plan)
    for fault in faults:
        if fault.phase == "checkpoint":
            orders.give(place.order(life.drivers), target=fault.target, point=fault.point, saves=fault.nth)
    bomb = next((fault for fault in faults if fault.phase not in (RANDOM, "checkpoint")), None)
    driver = Driver(life.drivers, again, place, bomb)
    return driver.wait([fault for fault in faults if fault.phase == RANDOM], rng), driver


def _sweep_in(folder: Path) -> Path | None:
    """The sweep, None where no driver has lived to write its first line."""
    ledgers = (folder / "results").glob(f"*/{LEDGER}")
    return next((ledger.parent for ledger in ledgers if b"\n" in ledger.read_bytes()), None)


def _ledger(life: Life) -> bytes:
    """The whole lines of the ledger."""
    life.sweep = _sweep_in(life.folder)
    content = (life.sweep / LEDGER).read_bytes() if life.sweep else b""
    return content[: content.rfind(b"\n") + 1]


def _new_kills(life: Life, place: Place) -> list[Told]:
    kills = [told for told in witness.read(place.witness) if told.what == "kill"]
    new = kills[len(life.kills) :]
    life.kills = kills
    return new


def _missed(faults: list[Fault], kills: list[Told]) -> list[Fault]:
    done = {kill.phase for kill in kills}
    return [fault for fault in faults if fault.phase not in done]


def _in_words(kill: Told) -> str:
    who = {"driver": "the driver was killed", "trial": "a trial's process was killed", "both": "both were killed"}
    where = "at a random moment" if kill.phase == RANDOM else f"in {kill.phase} ({kill.point})"
    return f"{who[kill.target]} {where}"


def _quiet(drivers: list[Driver]) -> list[str]:
    """Waits until the drivers have left nothing; what had to be killed in the end, by title."""
    end = time.monotonic() + AFTERWARDS_S
    while (left := [title for driver in drivers for title in processes.left_of(driver.pid)]) and time.monotonic() < end:
        time.sleep(0.1)
    for driver in drivers:
        driver.end()
    return left


def cleared(folder: Path) -> None:
    """Removes a seed's folder."""
    shutil.rmtree(folder, ignore_errors=True)
