"""What to try next, each with its reason: what the ledger speaks for, the most pressing first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments._sweep.analysis.answer import Answer, Command, begun_small, counted, listed, told
from experiments._sweep.analysis.leading import leading
from experiments._sweep.analysis.mattering import regions
from experiments._sweep.ledger.trial_history import value_of
from experiments._sweep.views.words import place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from experiments._sweep.analysis.confirmed import Confirmed
    from experiments._sweep.analysis.edges import Edge
    from experiments._sweep.analysis.importance import Importance
    from experiments._sweep.analysis.progress import Progress
    from experiments._sweep.analysis.searched import Searched
    from experiments._sweep.ledger.history import History
    from experiments._sweep.ledger.trial_history import TrialHistory
    from experiments._sweep.sweep import Sweep

DEFAULTS = "defaults"
FAILING = 0.1
"""From this part of the trials on, failures are to be looked at."""
AT_THE_END = 0.5
"""From this part of the leading trials on that were best at their last epoch, the budget is too small."""
SLOWED = 0.1
"""A learning rate below this part of its largest one hardly moves anything."""
LATELY = 0.2
"""A better trial in this last part of them: more may come."""
LONG_AGO = 0.5
MOST = 0.75
"""From this part of the leading trials on, a value may as well be fixed."""
FEWEST_TO_GIVE_UP = 20
NARROW = 1 / 3
"""Leading trials that take up at most so much of a range: it can be narrowed."""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """One thing to try."""

    what: str
    why: str
    command: str = ""
    """What one types for it, empty where it is a change of the experiment's file."""


def suggestions(
    sweep: Sweep,
    found: Searched | None,
    *,
    important: Importance,
    edges: Sequence[Edge],
    far: Progress,
    confirmed: Confirmed,
) -> list[Suggestion]:
    """All that the ledger speaks for, the most pressing first.

    Args:
        sweep: The sweep.
        found: What was searched.
        important: Which of it mattered.
        edges: Where the leading trials crowd at the end of a range.
        far: The best value so far over its trials.
        confirmed: What the newest confirmation has found.
    """
    return [
        *_unfinished(sweep),
        *_failing(sweep),
        *_confirmed(sweep, confirmed),
        *_at_edges(edges),
        *_budget(sweep.history),
        *_trials(sweep, far),
        *_between(sweep.history, found),
        *_narrower(sweep.history, found, important, edges),
    ]


def next_steps(made: Sequence[Suggestion]) -> Answer:
    """The suggestions as an answer."""
    question = "What to try next?"
    if not made:
        return Answer(question=question, sentence="Nothing that these trials speak for.", facts={"suggestions": []})
    sentences = [f"{each.what}: {each.why}" for each in made]
    commands = tuple(Command(text=each.command, gives=begun_small(each.what)) for each in made if each.command)
    facts = {"suggestions": [vars(each) for each in made]}
    return Answer(question=question, sentence=sentences[0], more=tuple(sentences[1:]), facts=facts, commands=commands)


def _unfinished(sweep: Sweep) -> Iterator[Suggestion]:
    history, end = sweep.history, sweep.history.end
    open_ones = sum(1 for trial in history.trials.values() if not trial.ended)
    if sweep.live:
        yield Suggestion(what="Wait for the end of the sweep", why="it is still running, and all of this may change.")
    elif end is None or end.reason in ("time limit", "interrupted", "failed", "fault") or open_ones:
        reason = "its driver was lost" if end is None else f"it ended by: {end.reason}"
        left = f", and {counted(open_ones, 'trial')} can go on" if open_ones else ""
        command = f"sweep resume {place(sweep.folder)}"
        yield Suggestion(what="Go on with the sweep", why=f"{reason}{left}.", command=command)


def _failing(sweep: Sweep) -> Iterator[Suggestion]:
    trials = sweep.history.trials
    failed = [each for each in trials.values() if each.ended and each.state not in ("completed", "stopped")]
    if not failed or len(failed) < FAILING * len(trials):
        return
    [(state, count)] = Counter(each.state for each in failed).most_common(1)
    first = next(each for each in failed if each.state == state)
    why = f"{len(failed)} of {counted(len(trials), 'trial')} failed, {count} of them by {state}"
    said = f" (trial {first.number}: {_short(first.why)})" if first.why else ""
    command = f"sweep trials {place(sweep.folder)} {first.number}"
    yield Suggestion(what="Look at the trials that failed", why=f"{why}{said}.", command=command)


def _confirmed(sweep: Sweep, confirmed: Confirmed) -> Iterator[Suggestion]:
    """What follows from the confirmation, or that there is none."""
    if confirmed.answer is not None:
        yield from _judged(confirmed.answer)
    elif sweep.history.ranked and not sweep.live:
        why = "the best of many trials looks better than it is; fresh seeds and the test split tell."
        yield Suggestion(what="Confirm the winner", why=why, command=confirmed.command)


def _judged(answer: dict[str, Any]) -> Iterator[Suggestion]:
    winner, searched, gain = answer["winner"], answer["searched_winner"], answer["gain_over_defaults"]
    seeds = counted(answer["seeds"], "fresh seed")
    alike = [each["label"] for each in answer["configurations"] if each["tied"] and each["mean"] is not None]
    found = [label for label in alike if label != DEFAULTS]
    keep = "Keep the trainable's defaults, or search elsewhere"
    if winner is None:
        yield Suggestion(what="Find out why the confirmation failed", why="every run of it ended without a value.")
    elif winner == DEFAULTS:
        verb = "is" if len(found) == 1 else "are"
        others = f"{listed(found)} {verb} not told apart from them" if found else "all that was found is behind them"
        yield Suggestion(what=keep, why=f"on {seeds} they are first, and {others}.")
    elif (winner == searched or DEFAULTS in alike) and _is_no_gain(gain):
        yield Suggestion(what=keep, why=f"on {seeds} {searched} is not told apart from them, or is behind.")
    elif searched not in alike:
        yield Suggestion(what=f"Use {winner}", why=f"on {seeds} it is ahead of {searched}, which led the search.")
    elif winner != searched:
        why = (
            f"on {seeds} it came first, and {listed([label for label in found if label != winner])} cannot be told "
            "apart from it: any of them will do, so take another one where it is smaller or quicker to use."
        )
        yield Suggestion(what=f"Use {winner}", why=why)


def _is_no_gain(gain: dict[str, Any] | None) -> bool:
    """Whether what the search found is not better than the defaults, as far as can be told apart."""
    return gain is not None and gain["mean"] is not None and not (gain["low"] is not None and gain["low"] > 0)


def _at_edges(edges: Sequence[Edge]) -> Iterator[Suggestion]:
    for edge in edges:
        if not edge.best and 2 * edge.crowded < edge.leading:
            continue
        why = f"{edge.counts}."
        if edge.wider is not None:
            yield Suggestion(what=f"Search {edge.name} as far as {told(edge.wider)}", why=why)
        elif edge.best and edge.crowded >= MOST * edge.leading:
            yield Suggestion(what=f"Fix {edge.name} at {told(edge.bound)}", why=why)


def _budget(history: History) -> Iterator[Suggestion]:
    """More epochs, where the leading trials were still getting better when theirs were used up."""
    if "epochs" in (history.asks.get("space") or {}) or history.last_counts:
        return
    budget = history.asks["epochs"]
    best = [history.trials[number] for number in leading(history)]
    whole = [trial for trial in best if len(trial.epochs) >= budget]
    late = [trial for trial in whole if trial.epoch == len(trial.epochs)]
    if budget <= 1 or len(whole) <= 1 or len(late) < AT_THE_END * len(whole):
        return
    why = f"{len(late)} of the {len(whole)} leading trials that had them all were best at the last one"
    slowed = sum(_is_slowed(trial) for trial in late)
    if 2 * slowed >= len(late):
        why += (
            f"; but {slowed} of them had let the learning rate fall to almost nothing by then, which makes the last "
            "epoch the best of any budget, so this is a weak reason"
        )
    yield Suggestion(what=f"Train for more than {budget} epochs", why=f"{why}.")


def _is_slowed(trial: TrialHistory) -> bool:
    """Whether its learning rate fell to almost nothing at the end, as a schedule lets it."""
    rates = [value_of(epoch.metrics, "lr") for epoch in trial.epochs]
    known = [rate for rate in rates if rate is not None]
    return len(known) > 1 and known[-1] < SLOWED * max(known)


def _trials(sweep: Sweep, far: Progress) -> Iterator[Suggestion]:
    """More trials, or none: by when the last better one came."""
    steps, count = far.by_ended, len(sweep.history.trials)
    if not steps or count < 10 or sweep.live or _is_finite(sweep.history):
        return
    last = next(step for step in steps if step.trial == steps[-1].trial)
    since = steps[-1].ended - last.ended
    if since <= LATELY * steps[-1].ended:
        more = max(10, count // 2)
        why = f"the best one was number {last.ended} of the {steps[-1].ended} that ended: better ones still came."
        yield Suggestion(what="Add trials", why=why, command=f"sweep resume {place(sweep.folder)} --trials +{more}")
    elif since >= LONG_AGO * steps[-1].ended and count >= FEWEST_TO_GIVE_UP:
        why = f"the last {since} of the {steps[-1].ended} that ended brought nothing better."
        yield Suggestion(what="Change the space rather than add trials", why=why)


def _between(history: History, found: Searched | None) -> Iterator[Suggestion]:
    """A grid's best point is only as near to the best value as the next point is."""
    names = (
        [] if found is None else [axis.name for axis in found.axes if axis.kind == "grid" and len(axis.categories) > 1]
    )
    numbers = [name for name in names if found is not None and _is_of_numbers(found, name)]
    if numbers and _is_finite(history) and history.ranked:
        why = "a grid tries its own points only; HyperOpt or BayesOpt on ranges with the same bounds tries the others."
        yield Suggestion(what=f"Search {listed(numbers)} between the points of the grid", why=why)


def _is_of_numbers(found: Searched, name: str) -> bool:
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in found.axis(name).categories)


def _is_finite(history: History) -> bool:
    search = history.asks.get("search")
    return isinstance(search, dict) and search.get("name") == "Grid"


def _narrower(
    history: History, found: Searched | None, important: Importance, edges: Sequence[Edge]
) -> Iterator[Suggestion]:
    where = {} if found is None else regions(history, found)
    crowded = {edge.name for edge in edges}
    for share in important.shares:
        region = where.get(share.name)
        if not share.stands_out or region is None or share.name in crowded or region.width > NARROW:
            continue
        if region.axis.numeric and region.low < region.high:
            what = f"Search {share.name} from {told(region.low)} to {told(region.high)} only"
            yield Suggestion(what=what, why=f"all {region.trials} leading trials that have it lie there.")
        elif not region.axis.numeric and region.favoured == region.trials:
            what = f"Fix {share.name} at {region.favourite}"
            yield Suggestion(what=what, why=f"all {region.trials} leading trials have it.")


def _short(why: str) -> str:
    line = (why.splitlines() or [""])[0].rstrip(".")
    return line if len(line) <= 120 else f"{line[:117]}..."
