"""Of what Ray starts beside a cluster of its own, a sweep's has only what it cannot do without."""

from ray._private import node, utils

from experiments._sweep.engine.on_ray.entry.services import SERVICES, without_services


def test_they_are_left_out_while_a_cluster_starts_and_no_longer() -> None:
    """Ray's own methods are back afterwards, also for a cluster that somebody starts in the same process."""
    before = [getattr(node.Node, name) for name in SERVICES], utils.get_dashboard_dependency_error
    with without_services():
        assert all(getattr(node.Node, name)(object()) is None for name in SERVICES)
        assert isinstance(utils.get_dashboard_dependency_error(), ImportError)
    assert ([getattr(node.Node, name) for name in SERVICES], utils.get_dashboard_dependency_error) == before


def test_they_are_back_after_a_start_that_fails() -> None:
    """An error on the way does not leave Ray without its services."""
    before = [getattr(node.Node, name) for name in SERVICES]
    try:
        with without_services():
            raise RuntimeError("no room")
    except RuntimeError:
        assert [getattr(node.Node, name) for name in SERVICES] == before
