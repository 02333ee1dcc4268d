"""An end of a range is named where leading trials lie there oftener than what was tried, and widened within limits."""

from typing import Any

import pytest

from experiments._sweep.analysis.edges import Edge, at_edges
from tests.experiments.analysis.made import Ran, history

BATCH = {"batch": {"choice": [[16, 32, 64, 128]]}}
WARMUP = {"warmup": {"randint": [0, 4]}}


def edges(space: dict[str, Any], values: list[Any], *, origin: str = "random") -> tuple[Edge, ...]:
    """Give the ends of a sweep whose trials get worse from the first to the last."""
    [name] = space
    return at_edges(history(space, [Ran({name: value}, [n], origin=origin) for n, value in enumerate(values)]))


def test_an_end_that_was_tried_as_often_by_all_is_none() -> None:
    """The searcher liked 16: ten of fifteen leading trials have it, and so have thirty of all sixty."""
    leaders = [16] * 10 + [64] * 5
    rest = [16] * 20 + [32, 64, 128] * 8 + [32]
    assert edges(BATCH, leaders + rest) == ()


def test_an_end_that_the_leading_trials_have_oftener_than_all_others_is_one() -> None:
    """It says how many of the leading trials lie there, and how many of all."""
    [edge] = edges(BATCH, [16] * 14 + [32] + [16] * 6 + [32, 64, 128] * 13)
    assert (edge.crowded, edge.leading, edge.tried, edge.among) == (14, 15, 20, 60)
    assert "14 of 15 leading trials have it at 16, of all trials 20 of 60" in edge.sentence
    assert edge.expected == pytest.approx(5.0)
    assert not edge.led


def test_where_the_search_itself_went_to_an_end_that_is_what_is_said() -> None:
    """Nearly all of what a searcher led lies there, so that nothing can be compared; of random trials it is chance."""
    values = [3] * 50 + [0, 1, 2, 1, 2, 0] + [3] * 4
    [edge] = edges(WARMUP, values, origin="tpe")
    assert (edge.led, edge.best, edge.wider) == (True, True, 5)
    assert "the search itself went there: 54 of 60 trials have it at 3, and 15 of the 15 leading ones" in edge.sentence
    assert edges(WARMUP, values) == ()


def test_the_best_trial_further_inside_is_told() -> None:
    """The leading trials crowd at the bound, and the best one does not: both are said."""
    [edge] = edges(BATCH, [64] + [16] * 14 + [32, 64, 128] * 15)
    assert not edge.best
    assert "the best one has 64, further inside" in edge.sentence


@pytest.mark.parametrize(("origin", "said"), [("gp", True), ("start point", False), ("random", False)])
def test_a_searcher_that_came_to_the_bound_itself_wants_to_go_on(origin: str, said: bool) -> None:
    """Of a continuous range, where nobody gave it the bound."""
    values = [0.001] + [0.0011 + n * 2e-4 for n in range(39)]
    found = edges({"lr": {"uniform": [0.001, 0.01]}}, values[:1] + values[:0:-1], origin=origin)
    assert ["the search came to the bound itself" in each.sentence for each in found] == ([True] if said else [])


@pytest.mark.parametrize(
    ("domain", "wider"),
    [
        ({"uniform": [0.0, 0.98]}, 0.99),
        ({"uniform": [0.0, 0.5]}, 0.75),
        ({"uniform": [0.5, 0.9]}, 0.95),
        ({"loguniform": [0.1, 0.9]}, 0.95),
        ({"loguniform": [1e-4, 0.5]}, 5.0),
        ({"uniform": [0.0, 1.0]}, None),
    ],
)
def test_what_lies_below_one_is_never_widened_to_it(domain: dict[str, Any], wider: float | None) -> None:
    """A momentum of 1 does not converge, and a share of 1 is all there is; a rate may go beyond."""
    [(low, high)] = domain.values()
    values = [high - (high - low) * n / 60 for n in range(60)]
    [edge] = edges({"x": domain}, values)
    assert edge.side == "upper"
    assert edge.wider == (None if wider is None else pytest.approx(wider))
