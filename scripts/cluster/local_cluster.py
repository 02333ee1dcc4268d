"""Starts and ends the nodes of a local cluster."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from scripts.cluster import local_processes
from scripts.cluster.local_state import STATE, TOKEN, Node, Refused, State, stored

HEAD = Node(name="head")
OBJECT_STORE_BYTES = 100 * 1024 * 1024
LONGEST = 36
"""Bytes of the path of the private folder; those of Ray's sockets are 71 longer and may have 107."""


def start(folder: Path, nodes: list[Node]) -> State:
    """Start a head and the nodes; all of it, or nothing stays.

    Raises:
        Refused: There is a cluster already, or Ray did not start.
    """
    names = [HEAD.name, *(node.name for node in nodes)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refused(f"two nodes are called {twice[0]!r}; each needs a name of its own")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder / STATE).exists():
        if any(is_up(node) for node in stored(folder).nodes):
            raise Refused(f"a cluster runs already, noted in {folder}. End it first: scripts/cluster/local stop")
        stop(stored(folder))  # what a machine that was switched off left behind
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    _make_token(folder / TOKEN)
    state = State(folder=folder, temporary=_short_folder(), address="", http="")
    state.write()
    try:
        for node in (HEAD, *nodes):
            state = _with(state, node)
    except BaseException:
        stop(state)
        raise
    return state


def add(state: State, node: Node) -> State:
    """Start one more node.

    Raises:
        Refused: Its name is taken by one that is up, or the head is gone, or Ray did not start it.
    """
    if not is_up(state.named(HEAD.name)):
        raise Refused("the head is gone, and with it the cluster. End it: scripts/cluster/local stop")
    if any(is_up(other) for other in state.nodes if other.name == node.name):
        raise Refused(f"there is a node {node.name!r} already; give the new one another name")
    others = tuple(other for other in state.nodes if other.name != node.name)
    return _with(replace(state, nodes=others), node)


def kill(state: State, name: str) -> None:
    """End a node as a machine ends that loses its power: SIGKILL to Ray's processes there and to all they started.

    Raises:
        Refused: There is no such node, or a process would not end.
    """
    node = state.named(name)
    _ended(local_processes.kill_all(node.processes, _of_cluster(state), _of_node(node)))


def stop(state: State) -> None:
    """End every process of the cluster and remove its files.

    Raises:
        Refused: A process would not end.
    """
    processes = {number: since for node in state.nodes for number, since in node.processes.items()}
    _ended(local_processes.kill_all(processes, _of_cluster(state)))
    shutil.rmtree(state.temporary, ignore_errors=True)
    for name in (TOKEN, STATE):
        (state.folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # somebody has put something of theirs there
        state.folder.rmdir()


def is_up(node: Node) -> bool:
    """Tell whether a node's raylet runs."""
    return node.raylet in node.processes and local_processes.started(node.raylet) == node.processes[node.raylet]


def _of_cluster(state: State) -> str:
    return f"RAYSWEEPS_LOCAL_CLUSTER={state.temporary}"


def _of_node(node: Node) -> str:
    return f"RAYSWEEPS_LOCAL_NODE={node.name}"


def _ended(left: list[int]) -> None:
    if left:
        raise Refused(f"processes that do not end: {', '.join(map(str, left))}. Try again.", exit_code=3)


def _make_token(file: Path) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(secrets.token_hex(32))


def _short_folder() -> Path:
    wanted = os.environ.get("RAY_TMPDIR")
    folder = Path(tempfile.mkdtemp(prefix="rs-", dir=wanted if wanted and Path(wanted).is_dir() else None))
    if len(os.fsencode(folder)) > LONGEST:
        folder.rmdir()
        raise Refused(
            f"{folder} is too long a path for Ray's sockets (at most {LONGEST} bytes). Set RAY_TMPDIR to a shorter one."
        )
    return folder


def _with(state: State, node: Node) -> State:
    """Start a node, note its processes and give the cluster with it."""
    _settle(state, node)
    from ray._private.node import Node as RayNode
    from ray._private.parameter import RayParams

    head = node.name == HEAD.name
    places: dict[str, Any] = (
        {"temp_dir": str(state.of_ray), "dashboard_port": _free_port(), "dashboard_agent_listen_port": None}
        if head
        else {"gcs_address": state.address, "include_log_monitor": False, "dashboard_agent_listen_port": None}
    )
    params = RayParams(
        node_name=node.name,
        node_ip_address="127.0.0.1",
        num_cpus=int(node.cpus),
        num_gpus=int(node.gpus),
        resources=dict(node.resources),
        object_store_memory=OBJECT_STORE_BYTES,
        include_dashboard=head,
        dashboard_host="127.0.0.1",
        min_worker_port=0,
        max_worker_port=0,
        node_manager_port=0,
        runtime_env_dir_name=f"runtime_resources_{node.name}",  # on one machine two nodes would unpack into one folder
        **places,
    )
    try:
        # Neither ends with this process: the cluster goes on until `stop`.
        started = RayNode(params, head=head, shutdown_at_exit=False, spawn_reaper=False)
    except Exception as error:
        raise Refused(f"Ray did not start the node {node.name!r}: {error}", exit_code=3) from error
    numbers = {kind: [each.process.pid for each in found] for kind, found in started.all_processes.items()}
    processes = {number: local_processes.started(number) or 0 for found in numbers.values() for number in found}
    node = replace(node, processes=processes, raylet=numbers["raylet"][0])
    if head:
        state = replace(state, address=started.gcs_address, http=f"http://{started.webui_url}")
        # A job's driver gets this address; without the file Ray takes that of any cluster on the machine.
        (state.of_ray / "ray_current_cluster").write_text(state.address, encoding="utf-8")
    state = replace(state, nodes=(*state.nodes, node))
    state.write()
    return state


def _settle(state: State, node: Node) -> None:
    """Make the environment that of the node: its processes inherit it, and Ray reads it when it is imported."""
    for name in [name for name in os.environ if name.startswith(("RAY_ADDRESS", "RAY_AUTH", "RAY_API_SERVER"))]:
        del os.environ[name]
    own = str(Path(sys.executable).parent)
    if os.environ.get("PATH", "").split(os.pathsep)[0] != own:  # a job's `python` is the first on the head's path
        os.environ["PATH"] = os.pathsep.join([own, os.environ.get("PATH", os.defpath)])
    for mark in (_of_cluster(state), _of_node(node)):
        name, _, value = mark.partition("=")
        os.environ[name] = value
    os.environ.update(
        RAY_AUTH_MODE="token",
        RAY_AUTH_TOKEN_PATH=str(state.folder / TOKEN),
        RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",  # off, Ray binds to 127.0.0.1; on, to every address of the machine
        RAY_USAGE_STATS_ENABLED="0",
        RAY_process_group_cleanup_enabled="1",  # what a trial's process has started ends with it
        SPT_NOENV="1",  # a worker that gives itself a title must not write over its marks
    )


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
