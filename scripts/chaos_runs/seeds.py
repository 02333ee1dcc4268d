"""Seed after seed: its sweep without a fault, its sweep with faults, and the verdict, told as it goes."""

from __future__ import annotations

import dataclasses
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.ledger.files import LEDGER, LedgerError, read
from scripts.chaos_runs import witness
from scripts.chaos_runs.apart import trained_apart
from scripts.chaos_runs.drivers import STOP, HangingError
from scripts.chaos_runs.judge import Evidence, Verdict, judged, needed
from scripts.chaos_runs.life import Life, cleared, lived, placed, uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scripts.chaos_runs.plan import Plan

MOST_SAID = 8
"""Sentences of a seed that are printed; `--json` has all."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a seed."""

    life: Life
    verdict: Verdict
    folder: Path
    """Of the sweep with faults, and of the one without."""
    seconds: float

    @property
    def broken(self) -> list[str]:
        """Everything that was not as promised."""
        return [*self.life.broken, *self.verdict.broken]

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        plan = self.life.plan
        return {
            "seed": plan.seed,
            "question": plan.question,
            "concurrent": plan.concurrent,
            "seconds": round(self.seconds, 1),
            "drivers": self.life.drivers,
            "kills": [{"target": k.target, "phase": k.phase, "point": k.point} for k in self.life.kills],
            "as_promised": not self.broken,
            "broken_on_the_way": self.life.broken,
            **dataclasses.asdict(self.verdict),
        }


def results(plans: Sequence[Plan], *, keep: Path | None, work: Path, at_a_time: int) -> Iterator[Result]:
    """The results of the seeds, each as soon as it is known.

    Args:
        plans: What is done to each seed's sweep.
        keep: Where all folders are kept; None keeps only those of seeds that were not as promised.
        work: Where the folders are made while `keep` is None.
        at_a_time: So many seeds: most of a driver's life is waiting for Ray.
    """
    unfinished = {plan.seed for plan in plans}
    with ThreadPoolExecutor(at_a_time) as threads:
        try:
            for future in as_completed([threads.submit(_result, plan, keep or work) for plan in plans]):
                result = future.result()
                unfinished.remove(result.life.plan.seed)
                _tell(result)
                if keep is None and not result.broken:
                    cleared(result.folder)
                yield result
        finally:
            STOP.set()
            threads.shutdown(cancel_futures=True)
            for seed in unfinished if keep is None else ():
                cleared(_folder(work, seed))


def _folder(above: Path, seed: int) -> Path:
    return above / f"seed-{seed}"


def _tell(result: Result) -> None:
    seed = result.life.plan.seed
    said = [f"NOT AS PROMISED: {sentence}" for sentence in result.broken[:MOST_SAID]]
    if said:
        more = len(result.broken) - MOST_SAID
        said += [f"and {more} more things"] * (more > 0)
        said.append(f"its folder: {result.folder}; this seed alone: {result.life.plan.command}")
    done = "not as promised" if said else "as promised"
    said.append(f"{done}; {len(result.life.kills)} kills, {result.life.drivers} drivers, {result.seconds:.0f} s")
    _say("\n".join(f"  seed {seed}: {line}" for line in said))


def _result(plan: Plan, above: Path) -> Result:
    at_a_time = "one trial at a time" if plan.alone else f"{plan.concurrent} trials at a time"
    _say(f"seed {plan.seed}: {plan.question}, {at_a_time}")
    folder = _folder(above, plan.seed)
    cleared(folder)
    started = time.monotonic()
    life, verdict = Life(plan=plan, folder=folder), Verdict()
    try:
        without = uninterrupted(plan, folder / "uninterrupted")
        life = lived(plan, folder / "with-faults", lambda text: _say(f"  seed {plan.seed}: {text}"))
        verdict = _verdict(life, without)
    except (HangingError, LedgerError, RuntimeError) as error:
        life.broken.append(str(error))
    return Result(life=life, verdict=verdict, folder=folder, seconds=time.monotonic() - started)


def _verdict(life: Life, without: Path) -> Verdict:
    if life.sweep is None:
        return Verdict(lost=["there is no ledger"])
    entries, uninterrupted_entries = read(life.sweep / LEDGER), read(without / LEDGER)
    with placed(life.folder) as place:
        apart = trained_apart(life.plan, needed(entries, uninterrupted_entries), place)
        told = witness.read(place.witness)
    return judged(
        Evidence(
            entries=entries,
            uninterrupted=uninterrupted_entries,
            told=told,
            alone=life.plan.alone,
            apart=apart,
        )
    )


def _say(text: str) -> None:
    """One write, for several seeds speak."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
