"""What is noted of a cluster of scripts/cluster/local: its addresses, its nodes and their processes."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

STATE = "cluster.json"
TOKEN = "auth_token"  # noqa: S105 - the name of the file


class Refused(Exception):  # noqa: N818 - it is what was asked for that is wrong
    """What was asked for cannot be done."""

    def __init__(self, text: str, exit_code: int = 2) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node of the cluster."""

    name: str
    """What `kill` calls it, and Ray's name of the node."""
    cpus: float = 0
    """How many CPUs Ray counts there."""
    gpus: float = 0
    """How many GPUs Ray counts there; pretended."""
    resources: dict[str, float] = field(default_factory=dict)
    """Further resources by name."""
    processes: dict[int, int] = field(default_factory=dict)
    """Ray's own processes by number, each with the time it started (clock ticks since the machine did)."""
    raylet: int = 0
    """The one among them without which the node is gone."""

    @classmethod
    def parsed(cls, text: str) -> Node:
        """Read NAME:cpus=2,gpus=0,big_memory=1.

        Raises:
            ValueError: With what is wrong and what is allowed.
        """
        name, _, rest = text.partition(":")
        if not re.fullmatch(r"[A-Za-z][\w-]*", name) or name == "head":
            raise ValueError(f"{text!r}: a node needs a name of letters, digits, - and _ that is not 'head'")
        amounts = {}
        for part in rest.split(",") if rest else ():
            what, _, amount = part.partition("=")
            if not re.fullmatch(r"[A-Za-z]\w*", what) or not re.fullmatch(r"\d+(\.\d+)?", amount):
                raise ValueError(f"{text!r}: {part!r} is not NAME=NUMBER; say for example {name}:cpus=2,gpus=0")
            if what in ("cpus", "gpus") and "." in amount:
                raise ValueError(f"{text!r}: a node has whole {what}; say for example {name}:{what}=2")
            amounts[what] = float(amount)
        if not amounts:
            raise ValueError(f"{text!r}: it does not say what the node has; say for example {name}:cpus=2,gpus=0")
        return cls(name=name, cpus=amounts.pop("cpus", 0), gpus=amounts.pop("gpus", 0), resources=amounts)

    def in_words(self) -> str:
        """Tell what the node has."""
        further = (f"{amount:g} {name}" for name, amount in self.resources.items())
        return ", ".join([f"{self.cpus:g} CPUs", *([f"{self.gpus:g} GPUs (pretended)"] * bool(self.gpus)), *further])

    def as_json(self) -> dict[str, Any]:
        """Give what is noted of it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Node:
        """Give the node of which this was noted."""
        processes = {int(number): started for number, started in content.pop("processes").items()}
        return cls(processes=processes, **content)


@dataclass(frozen=True, kw_only=True)
class State:
    """One cluster."""

    folder: Path
    """Where it is noted."""
    temporary: Path
    """A private folder around Ray's: short, because sockets lie in it and a socket's path may have 107 bytes."""
    address: str
    """HOST:PORT that drivers and nodes join."""
    http: str
    """Where jobs are submitted."""
    nodes: tuple[Node, ...] = ()
    """Head first; those that were killed stay."""

    @property
    def of_ray(self) -> Path:
        """Ray's own folder. Ray opens it to everybody, whatever the umask; the one around it stays closed."""
        return self.temporary / "ray"

    def environment(self) -> dict[str, str]:
        """Give what a process needs to use the cluster; it names the token's file, never the token."""
        return {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.folder / TOKEN),
            # Ray looks at this when it is imported: a driver of a cluster on loopback listens on loopback too.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_ADDRESS": self.address,  # what --address auto means
            "RAY_API_SERVER_ADDRESS": self.http,  # the same for `ray job`
        }

    def named(self, name: str) -> Node:
        """Give the node of that name.

        Raises:
            Refused: There is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise Refused(f"there is no node {name!r}; there are {', '.join(node.name for node in self.nodes)}")

    def write(self) -> None:
        """Note it, all or nothing."""
        places = {"temporary": str(self.temporary), "address": self.address, "http": self.http}
        content = {**places, "nodes": [node.as_json() for node in self.nodes]}
        new = self.folder / f"{STATE}.new"
        new.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.replace(new, self.folder / STATE)  # noqa: PTH105 - the plain rename


def stored(folder: Path) -> State:
    """Give the cluster that is noted in a folder.

    Raises:
        Refused: None is.
    """
    file = folder / STATE
    if not file.exists():
        raise Refused(f"no cluster is noted in {folder}. Start one: scripts/cluster/local start")
    content = json.loads(file.read_text(encoding="utf-8"))
    nodes = tuple(Node.from_json(node) for node in content["nodes"])
    return State(
        folder=folder,
        temporary=Path(content["temporary"]),
        address=content["address"],
        http=content["http"],
        nodes=nodes,
    )
