"""How many trials a cluster holds, what is said where it holds none, and how long a node is waited for."""

import importlib.metadata
import os
import platform
import sys
from collections.abc import Mapping

import pytest

from experiments._sweep.engine import gpu_share
from experiments._sweep.engine.gpu_share import CONTEXT_BYTES, allowed
from experiments._sweep.engine.on_ray.entry import admission
from experiments._sweep.engine.on_ray.entry.admission import check_cluster
from experiments._sweep.engine.on_ray.nodes import slots as slots_module
from experiments._sweep.engine.on_ray.nodes import waiting
from experiments._sweep.engine.on_ray.nodes.autoscaler import Autoscaler, NodeType, monitored_with
from experiments._sweep.engine.on_ray.nodes.capacity import shortage, slots_of, unused_gpus
from experiments._sweep.engine.on_ray.nodes.fitness import misfits
from experiments._sweep.engine.on_ray.nodes.live import Node
from experiments._sweep.engine.on_ray.nodes.preflight import in_words
from experiments._sweep.engine.on_ray.nodes.slots import Slots
from experiments._sweep.errors import EngineError, InputError

HEAD = {"node:__internal_head__": 1.0, "memory": 1e9}
SMALL = {"CPU": 2.0, "memory": 1e9}
WITH_GPUS = {"CPU": 8.0, "GPU": 2.0, "big_memory": 1.0, "node:10.0.0.2": 1.0}


@pytest.mark.parametrize(
    ("needs", "slots"),
    [
        ({"CPU": 1}, 10),
        ({"CPU": 3}, 2),
        ({"CPU": 0.1}, 100),
        ({"CPU": 1, "GPU": 1}, 2),
        ({"CPU": 1, "GPU": 0.5}, 4),
        ({"CPU": 1, "GPU": 0.4}, 4),
        ({"CPU": 1, "GPU": 0.25}, 8),
        ({"CPU": 4, "GPU": 0.25}, 2),
        ({"GPU": 2}, 1),
        ({"CPU": 1, "big_memory": 1}, 1),
        ({"CPU": 1, "GPU": 0.25, "big_memory": 0.5}, 2),
    ],
)
def test_a_cluster_holds_as_many_trials_as_each_node_by_itself(needs: dict[str, float], slots: int) -> None:
    """No trial lies on two nodes, and no fraction of a GPU on two GPUs."""
    assert slots_of([HEAD, SMALL, WITH_GPUS], needs) == slots
    assert shortage([HEAD, SMALL, WITH_GPUS], needs) == ""


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (
            {"CPU": 1, "GPU": 3},
            "a trial needs 3 GPUs; the largest node has 2. Ask for less: --gpus-per-trial.",
        ),
        ({"CPU": 8.5}, "a trial needs 8.5 CPUs; the largest node has 8. Ask for less: --cpus-per-trial."),
        (
            {"CPU": 1, "big_memory": 2},
            "a trial needs 2 big_memory; the largest node has 1. Ask for less: --resource.",
        ),
        (
            {"CPU": 1, "big_memry": 1},
            "a trial needs 1 big_memry; no node has any (the nodes declare big_memory). Did you mean 'big_memory'?",
        ),
    ],
)
def test_b18_what_no_node_has_is_said_with_the_numbers(needs: dict[str, float], said: str) -> None:
    """Of the kind of which there is too little, the most that a node has of it, and the option that asks for less."""
    assert shortage([HEAD, SMALL, WITH_GPUS], needs).startswith(said)


def test_b18_what_two_nodes_have_and_none_together() -> None:
    """A node with many CPUs and another with a GPU are no node with both; no cluster at all has 0 of everything."""
    nodes = [{"CPU": 2.0, "GPU": 1.0}, {"CPU": 64.0}]
    assert shortage(nodes, {"CPU": 4, "GPU": 1}) == (
        "no node has 4 CPUs and 1 GPU together, which a trial needs. Ask for less."
    )
    assert shortage([HEAD], {"CPU": 1}).startswith("a trial needs 1 CPU; the largest node has 0.")


def test_b18_what_the_autoscaler_can_bring_counts() -> None:
    """A kind of node that holds a trial is none too few; one that is too small is in the sentence."""
    assert shortage([HEAD], {"GPU": 2}, [{"GPU": 4.0}]) == ""
    said = shortage([HEAD], {"GPU": 8}, [{"GPU": 4.0}])
    assert said.startswith("a trial needs 8 GPUs; the largest node has 0, the largest that the autoscaler can bring 4.")


def test_gpus_that_no_trial_uses_are_counted() -> None:
    """Only where trials ask for none."""
    assert unused_gpus([HEAD, SMALL, WITH_GPUS], {"CPU": 1}) == 2
    assert unused_gpus([HEAD, SMALL, WITH_GPUS], {"CPU": 1, "GPU": 0.5}) == 0


def test_what_an_autoscaler_may_bring() -> None:
    """One that does not tell its node types may bring anything; one that does holds so many trials, or any number."""
    needs = {"CPU": 1, "GPU": 0.5}
    two = NodeType(resources={"CPU": 4, "GPU": 1}, most=3)
    endless = NodeType(resources={"CPU": 4, "GPU": 1}, most=None)
    small = NodeType(resources={"CPU": 64}, most=None)
    assert (Autoscaler().may_bring(needs), Autoscaler().most(needs)) == (False, 0)
    assert (Autoscaler(is_there=True).may_bring(needs), Autoscaler(is_there=True).most(needs)) == (True, None)
    known = Autoscaler(is_there=True, types=(two, small))
    assert (known.may_bring(needs), known.most(needs)) == (True, 6)
    assert Autoscaler(is_there=True, types=(two, endless)).most(needs) is None
    assert (Autoscaler(is_there=True, types=(small,)).may_bring(needs)) is False
    assert monitored_with("10.0.0.1:6379") is None


class Made:
    """A cluster whose nodes the test changes, with a clock that it sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options: object) -> None:
        self.at, self.has, self.said = 1000.0, [SMALL], []
        self.autoscaler = Autoscaler()
        for module in (slots_module, waiting):
            monkeypatch.setattr(module.time, "monotonic", lambda: self.at)
        self.slots = Slots(
            **{"needs": {"CPU": 1}, "concurrent": None, "say": self.said.append, **options},
            nodes=self.nodes,
            look_for_autoscaler=lambda: self.autoscaler,
        )

    def nodes(self) -> list[Node]:
        """What is there."""
        return [Node(number=f"{n}", address="", name="", resources=has) for n, has in enumerate(self.has)]

    def after(self, seconds: float, *has: Mapping[str, float]) -> int:
        """How many trials may run so many seconds later, with these nodes."""
        self.at += seconds
        self.has = list(has)
        return self.slots.now


def test_slots_follow_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """They grow when a node joins and shrink when one goes, bounded by what was asked for."""
    made = Made(monkeypatch)
    assert [made.after(2, SMALL), made.after(2, SMALL, WITH_GPUS), made.after(2, WITH_GPUS)] == [2, 10, 8]
    assert made.after(1, SMALL) == 8, "looked at every two seconds"
    bounded = Made(monkeypatch, concurrent=3)
    assert [bounded.after(2, SMALL), bounded.after(2, SMALL, SMALL), bounded.after(2, SMALL)] == [2, 3, 2]


def test_an_autoscaler_is_asked_for_as_many_as_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many trials wait, and no more than it can ever hold; without --concurrent none does."""
    made = Made(monkeypatch, concurrent=20)
    made.autoscaler = Autoscaler(is_there=True)
    assert made.after(2, SMALL) == 20
    kinds = (NodeType(resources={"CPU": 4}, most=3),)
    made = Made(monkeypatch, concurrent=20)
    made.autoscaler = Autoscaler(is_there=True, types=kinds)
    assert made.after(2, SMALL) == 12
    made = Made(monkeypatch)
    made.autoscaler = Autoscaler(is_there=True, types=kinds)
    assert made.after(2, SMALL) == 2


def test_g9_a_node_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """One trial waits meanwhile; it is said at once and every minute, and at the end with the numbers."""
    made = Made(monkeypatch, patience_s=300.0)
    assert made.after(2, HEAD) == 1 and not made.slots.given_up
    assert made.said == [
        "waiting for a node, at most 5 min (--wait-for-nodes): a trial needs 1 CPU; the largest node has 0"
    ]
    for _ in range(58):
        made.after(2, HEAD)
    assert len(made.said) == 2 and made.said[1].startswith("waiting for a node, 1 min of at most 5 min")
    made.after(2, HEAD, SMALL)
    assert made.said[-1] == "there is a node that holds a trial; the sweep goes on"
    made.after(2, HEAD)
    made.after(299, HEAD)
    assert not made.slots.given_up, "the time begins anew"
    made.after(2, HEAD)
    assert made.slots.given_up == (
        "a trial needs 1 CPU; the largest node has 0. Ask for less: --cpus-per-trial. No other node came in 5 min. "
        "Wait for longer with --wait-for-nodes."
    )


def test_a_share_of_a_gpu_includes_what_cuda_takes() -> None:
    """Four quarters fit beside each other; on a small GPU half of a share is left to PyTorch at least."""
    total = 80 << 30
    assert 4 * (allowed(0.25, total) * total + CONTEXT_BYTES) == pytest.approx(total)
    assert allowed(0.25, 2 << 30) == 0.125


def test_a_share_of_a_gpu_that_is_none_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch is not imported for it: neither for a whole GPU, nor where what Ray calls a GPU is none."""
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(gpu_share, "_gpus_here", lambda: 0)
    gpu_share.hold_to_share(0.5)
    monkeypatch.setattr(gpu_share, "_gpus_here", lambda: 8)
    gpu_share.hold_to_share(0)
    gpu_share.hold_to_share(2)
    with pytest.raises(ImportError):
        gpu_share.hold_to_share(0.5)


def test_what_fails_on_nodes_is_said_once_with_their_names() -> None:
    """A node by its name where it has one, its address and the beginning of its number."""
    one = Node(number="a" * 56, address="10.0.0.1", name="10.0.0.1", resources={})
    two = Node(number="b" * 56, address="10.0.0.2", name="gpu", resources={})
    assert in_words([(one, "no room"), (two, "no room"), (two, "no Ray")], 5) == (
        "trials cannot run on 2 of 5 nodes. node 10.0.0.1 (aaaaaaaa), node gpu at 10.0.0.2 (bbbbbbbb): no room; "
        "node gpu at 10.0.0.2 (bbbbbbbb): no Ray"
    )


def test_this_machine_fits_itself_and_no_other_version() -> None:
    """Python is compared without its last number, Ray to the last."""
    here, ray = platform.python_version(), importlib.metadata.version("ray")
    assert misfits(here, ray) == []
    assert misfits(f"{here.rpartition('.')[0]}.99", ray) == []
    said = misfits("3.9.1", "2.0.0")
    assert said[0].startswith(f"it has Python {here}, the driver 3.9.1")
    assert said[1].startswith(f"it has Ray {ray}, the driver 2.0.0")


def test_s2_a_cluster_that_asks_for_no_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers whoever comes, as a head without authentication does; one that takes our token passes."""
    from concurrent.futures import ThreadPoolExecutor

    import grpc

    class Head(grpc.GenericRpcHandler):
        asks = False

        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
            assert details.method.endswith("/GetClusterId")
            return grpc.unary_unary_rpc_method_handler(self.answer)

        def answer(self, _: bytes, context: grpc.ServicerContext) -> bytes:
            if self.asks and ("authorization", "Bearer ours") not in context.invocation_metadata():
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")
            return b""

    server = grpc.server(ThreadPoolExecutor(1), handlers=[head := Head()])
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        with pytest.raises(InputError, match="answers without a token: whoever reaches it can run code on it"):
            check_cluster(address, insecure=False)
        check_cluster(address, insecure=True)
        head.asks = True
        monkeypatch.setenv("RAY_AUTH_TOKEN", "ours")
        check_cluster(address, insecure=False)
        monkeypatch.setenv("RAY_AUTH_TOKEN", "theirs")
        with pytest.raises(InputError, match="does not take the token from RAY_AUTH_TOKEN: it is that of another"):
            check_cluster(address, insecure=False)
    finally:
        server.stop(None).wait()
    with pytest.raises(EngineError, match="nobody answers"):
        check_cluster(address, insecure=False)


def test_s2_auto_joins_no_cluster_of_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `auto` would find is refused where it is no cluster, or was started by another user of the machine."""
    monkeypatch.setenv("RAY_ADDRESS", "localhost:abc")
    with pytest.raises(InputError, match="RAY_ADDRESS is 'localhost:abc', which is no HOST:PORT"):
        check_cluster("auto", insecure=False)
    monkeypatch.delenv("RAY_ADDRESS")
    monkeypatch.setattr(admission, "found", lambda _: "127.0.0.1:1")
    monkeypatch.setattr(admission, "_owners", lambda _: {os.getuid() + 1})
    with pytest.raises(InputError, match="was started by another user, who would get your code"):
        check_cluster("auto", insecure=False)
    monkeypatch.setattr(admission, "found", lambda _: "")
    with pytest.raises(InputError, match="no Ray node runs on this machine"):
        check_cluster("auto", insecure=False)
