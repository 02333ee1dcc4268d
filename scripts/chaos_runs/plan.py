"""What is done to a seed's sweep: which faults, in which order, at which places. A pure function of the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from scripts.chaos_runs import orders
from scripts.chaos_runs.bombs import PLACES

if TYPE_CHECKING:
    from collections.abc import Sequence

Target = Literal["driver", "trial", "both"]
Question = Literal["real", "made-up"]

QUESTIONS: tuple[Question, ...] = ("real", "made-up")
PHASES = ("start", "suggest", "report", "checkpoint", "decision", "finish")
RANDOM = "random"
"""The phase of a fault at a random moment."""
VICTIMS: tuple[tuple[Target, Target], ...] = (("trial", "both"), ("both", "trial"), ("trial", "driver"))
"""Who dies in a save, and who at a random moment, four seeds long each."""
LONGEST_WAIT_S = {"real": 2.0, "made-up": 1.0}
"""A random moment comes so long, at most, after the driver's first trial has begun an epoch."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kill that is to be."""

    target: Target
    phase: str
    point: str = ""
    """The place in the phase; empty for a random moment."""
    nth: int = 1
    """The driver dies the nth time that it comes to the place; a trial's process after so many saves by any."""
    share: float = 0.5
    """How much of a half written line is written."""
    wait_s: float = 0.0
    """For a random moment."""

    @property
    def ends_driver(self) -> bool:
        """Whether no driver is left after it."""
        return self.target != "trial"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A seed's sweep and its faults."""

    seed: int
    question: Question
    concurrent: int
    settings: tuple[str, ...]
    """Hyperparameters that are pinned, as `--set` takes them."""
    faults: tuple[tuple[Fault, ...], ...]
    """For each driver that will not end by itself: what happens to trial processes meanwhile, then what ends it."""

    @property
    def alone(self) -> bool:
        """Whether one trial runs at a time, so that everything must be as in the uninterrupted sweep."""
        return self.concurrent == 1

    @property
    def command(self) -> str:
        """What does the same to this seed's sweep again."""
        phases = [phase for phase in (*PHASES, RANDOM) if any(fault.phase == phase for fault in self.all_faults)]
        some = f" --phases {','.join(phases)}" if len(phases) <= len(PHASES) else ""
        return f"scripts/chaos --seeds 1 --first-seed {self.seed} --only {self.question}{some}"

    @property
    def all_faults(self) -> list[Fault]:
        """The faults of all drivers."""
        return [fault for faults in self.faults for fault in faults]


def plan_of(seed: int, only: Question | None = None, phases: Sequence[str] = (*PHASES, RANDOM)) -> Plan:
    """Questions take turns with the seed; so do one trial at a time and two, and who dies in a save and at random.

    Args:
        seed: Of the sweep as well.
        only: The question, whatever the seed.
        phases: Where nothing but these is wanted; the faults in them are the same ones.
    """
    rng = random.Random(seed)  # noqa: S311 - to be the same again
    question = only or QUESTIONS[seed % 2]
    saving, anywhere = VICTIMS[seed // 4 % len(VICTIMS)]
    enders = [
        [_in_driver(rng, "suggest", upto=2)],
        [_in_driver(rng, "report", upto=6)],
        [_in_driver(rng, "decision", upto=2)],
    ]
    rng.shuffle(enders)
    waits = [rng.uniform(0, LONGEST_WAIT_S[question]) for _ in range(2)]
    random_fault = Fault(target=anywhere, phase=RANDOM, wait_s=waits[0])
    saving_fault = Fault(target=saving, phase="checkpoint", point=rng.choice(orders.POINTS), nth=rng.randint(0, 3))
    for fault in (saving_fault, random_fault):
        if fault.ends_driver:
            enders.insert(rng.randint(1, len(enders)), [fault])
        else:
            enders[rng.randrange(len(enders))].insert(0, fault)
    return Plan(
        seed=seed,
        question=question,
        concurrent=1 + seed // 2 % 2,
        settings=("state_numbers=1000",) if question == "made-up" and seed // 4 % 2 else (),
        faults=_wanted(
            [[_in_driver(rng, "start", upto=1)], *map(_room, enders), [_in_driver(rng, "finish", upto=1)]], phases
        ),
    )


def _in_driver(rng: random.Random, phase: str, *, upto: int) -> Fault:
    point = rng.choice(sorted(PLACES[phase]))
    return Fault(target="driver", phase=phase, point=point, nth=rng.randint(1, upto), share=rng.random())


def _room(faults: list[Fault]) -> list[Fault]:
    """Lets the driver live a little longer where a trial's process is to die first."""
    *before, last = faults
    longer = {"suggest": 2, "report": 4, "decision": 3}.get(last.phase, 0) if before else 0
    return [*before, replace(last, nth=last.nth + longer)]


def _wanted(drivers: list[list[Fault]], phases: Sequence[str]) -> tuple[tuple[Fault, ...], ...]:
    """The faults in the phases; what is left for a driver that nothing ends is done to the next one."""
    found: list[tuple[Fault, ...]] = []
    waiting: list[Fault] = []
    for faults in drivers:
        waiting += [fault for fault in faults if fault.phase in phases]
        if waiting and waiting[-1].ends_driver:
            found.append(tuple(waiting))
            waiting = []
    return (*found, tuple(waiting)) if waiting else tuple(found)
