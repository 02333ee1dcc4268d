"""What scripts/cluster gives away is safe to copy: no root, no secret, no open door; the Slurm script as it says."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
CLUSTER = REPOSITORY / "scripts" / "cluster"
DOCKERFILE, IGNORED = CLUSTER / "Dockerfile", CLUSTER / "Dockerfile.dockerignore"
RAYJOB, SLURM = CLUSTER / "rayjob.yaml", CLUSTER / "slurm.sbatch"
TEMPLATES = [DOCKERFILE, IGNORED, RAYJOB, SLURM]


def manifests() -> dict[str, dict[str, Any]]:
    """The documents of the manifest by their kind."""
    return {document["kind"]: document for document in yaml.safe_load_all(RAYJOB.read_text(encoding="utf-8"))}


def pods() -> dict[str, dict[str, Any]]:
    """The specifications of the head's and the workers' pods."""
    cluster = manifests()["RayJob"]["spec"]["rayClusterSpec"]
    groups = [("head", cluster["headGroupSpec"]), *((each["groupName"], each) for each in cluster["workerGroupSpecs"])]
    return {name: group["template"] for name, group in groups}


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile with their arguments, lines that go on put together."""
    text = "\n".join(
        line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")
    )
    whole = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in whole]


@pytest.mark.parametrize("template", [*TEMPLATES, CLUSTER / "local"], ids=lambda file: file.name)
def test_s18_templates_have_no_secret_and_open_no_door(template: Path) -> None:
    """Nothing listens on all addresses, turns the token off or carries a secret of its own."""
    text = template.read_text(encoding="utf-8")
    assert "0.0.0.0" not in text  # noqa: S104 - it must not be there
    assert not re.search(r"RAY_AUTH_MODE\W+disabled|mode:\s*disabled|--insecure", text)
    assert not re.search(r"(AKIA[0-9A-Z]{12}|-----BEGIN|[0-9a-f]{32})", text)
    for name, value in re.findall(r"(\w*(?:token|secret|password|access_key)\w*)=(\S*)", text, re.IGNORECASE):
        kept = value.startswith(("...", '"$PRIVATE/')) or name == "RAY_AUTH_TOKEN_PATH"
        assert kept, f"{template.name}: {name}={value}"


def test_s18_pods_run_as_an_ordinary_user_on_a_root_that_is_read_only() -> None:
    """Head and workers: no root, no capability, nothing writable but volumes, no account of the cluster's."""
    assert set(pods()) == {"head", "workers"}
    for name, template in pods().items():
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= set(container["resources"]["limits"])
            assert container["resources"]["requests"] == container["resources"]["limits"]
            mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            assert {"/tmp", "/home/sweep", "/storage"} <= set(mounts)  # noqa: S108 - where Ray writes
            assert set(mounts.values()) <= volumes
            assert not re.search(r":latest$|^[^:]+$", container["image"])


def test_s18_keys_come_from_secrets_and_the_token_from_the_operator() -> None:
    """What looks like a secret in a pod's environment is a reference, and KubeRay makes the token."""
    cluster = manifests()["RayJob"]["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    for template in pods().values():
        for variable in template["spec"]["containers"][0]["env"]:
            if re.search("KEY|TOKEN|SECRET|PASSWORD", variable["name"]):
                assert "value" not in variable
                assert set(variable["valueFrom"]["secretKeyRef"]) == {"name", "key", "optional"}


def test_s18_the_network_policy_covers_every_pod_and_lets_only_its_own_in() -> None:
    """Both directions are closed but to the cluster itself, the operator's view of the dashboard, and names."""
    policy = manifests()["NetworkPolicy"]["spec"]
    labels = policy["podSelector"]["matchLabels"]
    assert labels
    for template in pods().values():
        assert labels.items() <= template["metadata"]["labels"].items()
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    for rule in policy["ingress"]:
        (source,) = rule["from"]
        others = source["podSelector"]["matchLabels"] != labels
        assert not others or [port["port"] for port in rule["ports"]] == [8265]


def test_the_job_is_one_that_may_be_given_again() -> None:
    """A retry is a new cluster with the same command, so the command has to go on with what is there."""
    import ray

    job = manifests()["RayJob"]["spec"]
    assert job["backoffLimit"] > 0
    assert job["submissionMode"] == "HTTPMode"
    assert job["shutdownAfterJobFinishes"] is True
    assert job["rayClusterSpec"]["rayVersion"] == ray.__version__
    assert understood(shlex.split(job["entrypoint"])).resume_if_exists
    mounted = pods()["head"]["spec"]["containers"][0]["volumeMounts"]
    assert understood(shlex.split(job["entrypoint"])).storage.startswith(
        tuple(mount["mountPath"] for mount in mounted if mount["name"] == "storage")
    )
    claims = [
        volume["persistentVolumeClaim"] for volume in pods()["head"]["spec"]["volumes"] if "emptyDir" not in volume
    ]
    assert claims == [{"claimName": manifests()["PersistentVolumeClaim"]["metadata"]["name"]}]


def understood(command: list[str]) -> Any:
    """What the command line makes of a `sweep ...` command."""
    from experiments._sweep.command_line.parser import parse

    assert command[0] == "sweep"
    return parse(command[1:])


def test_s18_the_image_is_pinned_and_not_roots() -> None:
    """A base by its whole version, dependencies by constraints.txt, a number as user, and nothing but the packages."""
    words = instructions()
    bases = [argument.split()[0] for name, argument in words if name == "FROM"]
    assert bases
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", [argument for name, argument in words if name == "USER"][-1])
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "CMD"}
    assert {name for name, _ in words} <= known
    assert not any(re.search("token|secret|password|key", text, re.IGNORECASE) for name, text in words if name == "ENV")
    installs = [argument for name, argument in words if name == "RUN" and "pip install" in argument]
    assert all("--constraint constraints.txt" in install and "[cluster]" in install for install in installs)
    sources = [
        word
        for name, argument in words
        if name == "COPY" and "--from" not in argument
        for word in argument.split()[:-1]
    ]
    for source in sources:
        assert (REPOSITORY / source).exists()
        assert f"!{source}" in IGNORED.read_text(encoding="utf-8").splitlines()
    assert IGNORED.read_text(encoding="utf-8").splitlines()[1] == "*"


def test_the_slurm_script_is_bash_and_asks_for_what_it_says() -> None:
    """It parses, comes back after a preemption, and is told before its time is up."""
    subprocess.run(["bash", "-n", SLURM], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", SLURM], check=True)
    asked = dict(re.findall(r"^#SBATCH --([\w-]+)=?(.*)$", SLURM.read_text(encoding="utf-8"), re.MULTILINE))
    assert {"requeue", "exclusive", "no-kill"} <= set(asked)
    assert asked["open-mode"] == "append"
    assert asked["ntasks-per-node"] == "1"
    notice = re.fullmatch(r"B:TERM@(\d+)", asked["signal"])
    assert notice
    assert int(notice[1]) >= 30 + 16 + 60  # a sweep's end, `ray stop`, and a node that finds its head gone


FAKES = {
    "srun": 'while [[ "$1" == --* ]]; do shift; done\nexec "$@"\n',
    "hostname": "echo 127.0.0.1\n",
    "scontrol": 'echo "$*" >>"$HOME/scontrol"\n',
    "ray": 'printf "%s\\n" "$@" >"$HOME/ray"\nstat -c %a "$RAY_AUTH_TOKEN_PATH" >"$HOME/mode"\n'
    'env >"$HOME/env"\nwhile [[ "$1" != -- ]]; do shift; done\nshift\n"$@"\n',
    "sweep": 'printf "%s\\n" "$@" >"$HOME/sweep"\nexec python3 "$HOME/driver.py"\n',
}

DRIVER = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
open(os.environ["HOME"] + "/started", "w").close()
if os.environ["ENDS"] == "when told":
    signal.pause()
sys.exit(int(os.environ["ENDS"]))
"""


@pytest.fixture
def slurm(tmp_path: Path) -> Path:
    """A home with what Slurm, Ray and the sweep are to the script."""
    (tmp_path / "bin").mkdir()
    for name, text in FAKES.items():
        (tmp_path / "bin" / name).write_text(f"#!/usr/bin/env bash\n{text}")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "driver.py").write_text(DRIVER)
    return tmp_path


def submitted(home: Path, ends: str, *arguments: str, restarts: int = 0) -> "subprocess.Popen[str]":
    """Run the script as Slurm would on the first node."""
    names = {"SLURM_JOB_ID": "12", "SLURM_JOB_NUM_NODES": "1", "SLURM_CPUS_PER_TASK": "4"}
    path = os.pathsep.join([str(home / "bin"), os.environ["PATH"]])
    env = {**os.environ, **names, "HOME": str(home), "PATH": path, "ENDS": ends, "SLURM_RESTART_COUNT": str(restarts)}
    return subprocess.Popen(["bash", SLURM, *arguments], env=env, stdout=subprocess.PIPE, text=True)


def test_s18_the_slurm_script_runs_a_sweep_with_a_token_of_its_own(slurm: Path) -> None:
    """The command is one that resumes, Ray takes its options, and the token is read by nobody else and goes again."""
    from ray.scripts.symmetric_run import curate_and_validate_ray_start_args, symmetric_run

    job = submitted(slurm, "0", "digits_mlp", "--trials", "64")
    assert (job.communicate(timeout=30)[0], job.returncode) == ("", 0)
    asked = understood(["sweep", *(slurm / "sweep").read_text().splitlines()])
    assert (asked.experiment, asked.trials, asked.resume_if_exists, asked.address) == ("digits_mlp", 64, True, "auto")
    command, *given = (slurm / "ray").read_text().splitlines()
    assert command == "symmetric-run"
    started = given[: given.index("--")]
    assert curate_and_validate_ray_start_args(list(started)) == ["--num-cpus=4"]
    taken = symmetric_run.make_context("_", started, resilient_parsing=True).params
    assert (taken["address"], taken["min_nodes"]) == ("127.0.0.1:6379", 1)
    assert (slurm / "mode").read_text().strip() == "600"
    environment = dict(line.split("=", 1) for line in (slurm / "env").read_text().splitlines() if "=" in line)
    assert environment["RAY_AUTH_MODE"] == "token"
    assert "RAY_AUTH_TOKEN" not in environment
    assert not Path(environment["RAY_AUTH_TOKEN_PATH"]).parent.exists()
    assert not (slurm / "scontrol").exists()


def test_the_slurm_script_tells_the_driver_and_goes_back_into_the_queue(slurm: Path) -> None:
    """SIGTERM reaches the driver alone, its exit code is the job's, and the job is requeued however often."""
    job = submitted(slurm, "when told", restarts=50)
    while not (slurm / "started").exists():
        assert job.poll() is None
    job.send_signal(signal.SIGTERM)
    output, _ = job.communicate(timeout=30)
    assert job.returncode == 130, output
    assert (slurm / "scontrol").read_text() == "requeue 12\n"
    assert (slurm / "sweep").read_text().splitlines()[:2] == ["run", "digits_mlp"]


@pytest.mark.parametrize(("code", "restarts", "again"), [(1, 0, False), (2, 0, False), (3, 0, True), (3, 3, False)])
def test_the_slurm_script_asks_again_only_where_it_helps(slurm: Path, code: int, restarts: int, again: bool) -> None:
    """A lost cluster is tried again three times; a sweep that failed or was never possible is not."""
    job = submitted(slurm, str(code), restarts=restarts)
    job.communicate(timeout=30)
    assert job.returncode == code
    assert (slurm / "scontrol").exists() == again


def test_a_node_of_the_local_cluster_is_told_in_words() -> None:
    """What is wrong with a node that cannot be is said before anything starts."""
    local = CLUSTER / "local"
    for asked, fault in (
        ("one:cpus", "'cpus' is not NAME=NUMBER; say for example one:cpus=2,gpus=0"),
        ("head:cpus=2", "a node needs a name of letters"),
    ):
        done = subprocess.run(
            [sys.executable, local, "start", "--node", asked], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert fault in " ".join(done.stderr.split())
