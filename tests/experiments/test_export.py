"""What a sweep found, as a folder that a stranger can use with torch alone."""

import ast
import json
import re
import runpy
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from markdown_it import MarkdownIt
from ray import tune
from safetensors.torch import load_file
from torch import nn

from experiments import FIFO, Experiment, Random
from experiments._sweep.command_line import exporting, main
from experiments._sweep.command_line.parser import parse
from experiments._sweep.errors import InputError
from experiments._sweep.export import exporting as export_room
from experiments._sweep.export.exporting import Exported, export
from experiments._sweep.export.layers import written
from experiments._sweep.export.markdown import code, prose, table
from experiments._sweep.export.network_source import network_source
from experiments._sweep.sweep import Sweep
from trainables import (
    CheckpointFolder,
    ImageClassifierConfig,
    Trainable,
    image_classifier,
    image_network,
    load_images,
    random_forest,
    tabular_mlp,
)

TORCH_ALONE = """
import json, runpy, sys
from pathlib import Path

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("experiments", "trainables", "safetensors", "torchvision", "sklearn", "ray"):
            raise ImportError(f"a stranger has no {name}")

sys.meta_path.insert(0, Refused())
import torch
torch.set_num_threads(int(sys.argv[2]))
for folder in sorted(Path(sys.argv[1]).iterdir()):
    network = runpy.run_path(str(folder / "load.py"))["load"]()
    tried = torch.load(Path(sys.argv[1]).parent / f"{folder.name}.pt", weights_only=True)
    with torch.inference_mode():
        assert torch.equal(network(tried["example"]), tried["outputs"]), folder
    print(folder.name)
"""


class Own(nn.Module):
    """A residual network with functions of torch in its forward, and a loop over its own layers."""

    def __init__(self, input_shape: tuple[int, ...], outputs: int, width: int = 4) -> None:
        super().__init__()
        self.enter = nn.Conv2d(input_shape[0], width, 3, padding=1, padding_mode="reflect")
        self.blocks = nn.ModuleList(nn.Conv2d(width, width, 3, padding="same") for _ in range(2))
        self.leave = nn.Linear(width, outputs)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Go through all blocks."""
        images = self.enter(images)
        for block in self.blocks:
            images = torch.nn.functional.relu(block(images)) + images * self.scale
        return self.leave(images.mean(dim=(2, 3)).reshape(images.shape[0], -1))


class Branching(Own):
    """Looks at its inputs before it decides."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Go one of two ways."""
        return super().forward(images if images.sum() > 0 else -images)


class Drawing(Own):
    """Answers by chance."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Drop something even when it is not trained."""
        return super().forward(torch.dropout(images, 0.5, True))


KINDS: dict[str, tuple[Trainable[Any], dict[str, Any]]] = {
    "cnn": (image_classifier, {"model": "cnn", "conv_channels": 4, "batch_norm": True, "dropout": 0.1}),
    "large": (image_classifier, {"model": "cnn", "image_size": 20, "conv_layers": 1, "conv_channels": 2}),
    "mlp": (image_classifier, {"hidden_units": 16, "activation": "gelu"}),
    "own": (image_classifier, {"model": "test_export_own:Own", "model_options": {"width": 3}}),
    "refitted_folds": (tabular_mlp, {"dataset": "diabetes", "hidden_units": 8, "folds": 2, "epochs": 1}),
    "refitted_forest": (random_forest, {"dataset": "wine", "n_estimators": 5, "epochs": 1}),
    "refitted_forest_of_numbers": (random_forest, {"dataset": "diabetes", "n_estimators": 3, "epochs": 1}),
    "resnet18": (image_classifier, {"model": "resnet18"}),
    "table": (tabular_mlp, {"dataset": "wine", "hidden_units": 8, "batch_norm": True, "epochs": 1}),
}
UNFIT: dict[str, tuple[Trainable[Any], dict[str, Any]]] = {
    "branching": (image_classifier, {"model": "test_export_own:Branching"}),
    "drawing": (image_classifier, {"model": "test_export_own:Drawing"}),
    "folds": KINDS["refitted_folds"],
    "forest": KINDS["refitted_forest"],
}


@pytest.fixture(scope="module", autouse=True)
def own_networks() -> Iterator[None]:
    """Let configurations name the networks of this file."""
    sys.modules["test_export_own"] = SimpleNamespace(Own=Own, Branching=Branching, Drawing=Drawing)  # type: ignore[assignment]
    yield
    del sys.modules["test_export_own"]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A network of some configuration, as if the sweep had found it."""

    sweep: Sweep
    trainable: Trainable[Any]
    config: dict[str, Any]
    checkpoint: Path
    refitted: bool

    def export(self, to: Path, **more: Any) -> Exported:
        """Write the folder `to`."""
        names = ("trainable", "config", "checkpoint", "refitted")
        return export(self.sweep, to=to, **{"trial": 0, **{name: getattr(self, name) for name in names}, **more})

    def outputs(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Some raw inputs and what the network that was trained gives for them."""
        deployed = self.trainable.deployed(self.config, self.checkpoint)
        with torch.inference_mode():
            return deployed.example, deployed.network(deployed.example)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """A sweep of one trial of one epoch."""
    asked = Experiment(
        trainable=image_classifier,
        space={**KINDS["mlp"][1], "seed": tune.randint(0, 9)},
        metric="val_loss",
        mode="min",
        search=Random(),
        scheduler=FIFO(),
        num_trials=1,
        epochs=1,
    )
    return asked.run(name="made", storage=tmp_path_factory.mktemp("results"), here=True, quiet=True)


@pytest.fixture(scope="module")
def trained(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Trained]:
    """Give a network of a kind, made when it is first asked for."""
    made: dict[str, Trained] = {}

    def of_kind(kind: str = "mlp") -> Trained:
        if kind not in made:
            trainable, config = (KINDS | UNFIT)[kind]
            folder, refitted = tmp_path_factory.mktemp(kind), kind.startswith("refitted")
            if kind == "mlp":
                assert sweep.best.checkpoint
                config, checkpoint = sweep.best.config, sweep.best.checkpoint
            elif trainable is image_classifier:
                checkpoint = untrained(config, folder)
            else:
                list((trainable.refitting(1) if refitted else trainable).epochs(config, CheckpointFolder(folder)))
                checkpoint = folder / "segment-001" / "epoch-00001"
            made[kind] = Trained(
                sweep=sweep, trainable=trainable, config=config, checkpoint=checkpoint, refitted=refitted
            )
        return made[kind]

    return of_kind


def untrained(config: dict[str, Any], folder: Path) -> Path:
    """A checkpoint of a network that has seen one batch, so that its normalization has statistics."""
    data = load_images("digits", image_size=config.get("image_size"))
    network = image_network(ImageClassifierConfig(**config), data)
    network.train()(next(data.training.in_order(16))[0])
    return CheckpointFolder(folder).save(1, {"epoch": 1}, {"model": network.state_dict()})


def test_a_stranger_with_torch_alone_gets_the_same_answers(trained: Callable[..., Trained], tmp_path: Path) -> None:
    """Each kind of network, loaded where no other package of this project is, answers the same to the bit."""
    for kind in KINDS:
        trained(kind).export(tmp_path / "folders" / kind)
        example, outputs = trained(kind).outputs()
        torch.save({"example": example, "outputs": outputs}, tmp_path / f"{kind}.pt")
    command = [sys.executable, "-c", TORCH_ALONE, str(tmp_path / "folders"), str(torch.get_num_threads())]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == sorted(KINDS), done.stderr


def test_the_folder_is_plain_files_for_its_owner_only(trained: Callable[..., Trained], tmp_path: Path) -> None:
    """Weights that the library safetensors reads too, a configuration that trains again, sources without a pickle."""
    exported = trained().export(tmp_path / "new" / "model")
    assert exported.folder == tmp_path / "new" / "model"
    assert sorted(file.name for file in exported.files) == sorted(each.name for each in exported.folder.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in exported.files} == {0o600}
    assert stat.S_IMODE(exported.folder.stat().st_mode) == 0o700
    assert [each.name for each in exported.folder.parent.iterdir()] == ["model"]
    network = loaded(exported.folder)
    read = load_file(exported.folder / "model.safetensors")
    assert read.keys() == network.state_dict().keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in network.state_dict().items())
    config = json.loads((exported.folder / "config.json").read_text())
    assert next(iter(image_classifier.epochs(config))).keys() >= {"val_loss"}
    for source in ("load.py", "network.py"):
        tree = ast.parse((exported.folder / source).read_text())
        names = [
            node.names[0].name if isinstance(node, ast.Import) else node.module
            for node in tree.body
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert set(names) <= {"hashlib", "json", "pathlib", "runpy", "torch"}


def test_what_loads_it_is_short(trained: Callable[..., Trained], tmp_path: Path) -> None:
    """A stranger reads all of `load` at a glance."""
    tree = ast.parse((trained().export(tmp_path / "model").folder / "load.py").read_text())
    (load,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    assert load.end_lineno
    assert load.end_lineno - load.lineno <= 12


@pytest.mark.parametrize("damage", [lambda whole: whole[:-4], lambda whole: whole[:-1] + bytes([whole[-1] ^ 1])])
def test_changed_weights_are_refused(
    damage: Callable[[bytes], bytes], trained: Callable[..., Trained], tmp_path: Path
) -> None:
    """A file that was cut or changed on its way gives no network."""
    folder = trained().export(tmp_path / "model").folder
    weights = folder / "model.safetensors"
    weights.write_bytes(damage(weights.read_bytes()))
    with pytest.raises(ValueError, match="is not the file that was exported: copy the folder again"):
        loaded(folder)


def test_what_is_there_is_left_alone(trained: Callable[..., Trained], tmp_path: Path) -> None:
    """Only a new or an empty folder is written to."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"--to: .*full is not empty. Give a folder that is not there yet."):
        trained().export(tmp_path / "full")
    with pytest.raises(InputError, match=r"--to: .*thesis.txt is a file."):
        trained().export(tmp_path / "full" / "thesis.txt")
    assert [each.name for each in (tmp_path / "full").iterdir()] == ["thesis.txt"]
    with pytest.raises(InputError, match=r"--to: \. is where you are."):
        trained().export(Path())
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    assert trained().export(tmp_path / "link").folder == tmp_path / "empty"
    assert loaded(tmp_path / "link")


@pytest.mark.parametrize("name", ["README.md", "model.safetensors"])
def test_a_fault_midway_leaves_nothing(
    name: str, trained: Callable[..., Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, at the first file or the last, leaves neither half a folder nor the folders above it."""
    write = export_room.write_file

    def full(path: Path, content: bytes) -> None:
        write(path, content)
        if path.name == name:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_room, "write_file", full)
    with pytest.raises(OSError, match="No space left"):
        trained().export(tmp_path / "new" / "model")
    assert not list(tmp_path.iterdir())


def test_a_network_that_cannot_be_written_down_is_refused(trained: Callable[..., Trained], tmp_path: Path) -> None:
    """One that decides by its inputs cannot be traced, one that answers by chance is found out; nothing is written."""
    with pytest.raises(InputError) as refused:
        trained("branching").export(tmp_path / "model")
    assert "torch.fx cannot follow its forward (TraceError: symbolically traced variables" in str(refused.value)
    assert "torch.where in their place, or take its checkpoint and its own code" in str(refused.value)
    with pytest.raises(InputError, match="answers otherwise than the one that was trained, so nothing was written"):
        trained("drawing").export(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_what_holds_no_single_model_is_refused(trained: Callable[..., Trained], tmp_path: Path) -> None:
    """A cross-validation leaves several networks, or none; a plain function's checkpoints are its own; all say so."""
    with pytest.raises(InputError, match=r"holds 2 networks, none of which .*: sweep confirm --refit"):
        trained("folds").export(tmp_path / "model")
    with pytest.raises(InputError, match=r"holds scores and no forest; .*: sweep confirm --refit"):
        trained("forest").export(tmp_path / "model")
    with pytest.raises(InputError, match=r"plain Ray function, .* Write it as a Trainable with a `deploy`"):
        trained().export(tmp_path / "model", trainable=print)
    with pytest.raises(InputError, match="image_classifier has no model to give away: give its Trainable a `deploy=`"):
        trained().export(tmp_path / "model", trainable=replace(image_classifier, deploy=None))
    with pytest.raises(InputError, match="is not there; give the folder of a checkpoint"):
        trained().export(tmp_path / "model", checkpoint=tmp_path / "nowhere")
    with pytest.raises(InputError, match="the checkpoint holds the weights of another network"):
        trained().export(tmp_path / "model", config=KINDS["cnn"][1])
    assert not list(tmp_path.iterdir())


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "](javascript:alert(1)) [x](https://e.example)",
    "![x](https://e.example/x.png)",
    "`` ` ``` <b>",
    "a | b \\| <i> |",
    "line\n\n# heading\n<p>",
    "\x1b[31mred\u202e\u2028",
    "https://e.example www.e.example <https://e.example>",
    "&lt;b&gt; &#60;b&#62;",
    '"""\n\\" + print(1) + """',
    "`",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_wrote_is_shown_and_does_nothing(text: str) -> None:
    """In no place of the card does a text become HTML, a link, a picture, a heading or another cell."""
    page = f"{prose(text)} {code(text)}\n\n{table([(code(text, in_table=True), prose(text))])}\n"
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(page)
    kinds = [inner.type for token in tokens for inner in [token, *(token.children or [])]]
    assert not {"html_inline", "html_block", "link_open", "image", "heading_open", "hr"} & set(kinds)
    assert kinds.count("td_open") == 2
    assert kinds.count("code_inline") == 2
    assert all(character.isprintable() or character == "\n" for character in page)
    assert not re.search(r"https?://|(?<!`)www\.e", re.sub(r"(`+) ?.*?\1", "", page))


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    """Classes that are called like code come back as they are, and run nothing."""
    names = [*HOSTILE, "x" * 300]
    source = network_source(nn.Linear(2, len(names)).eval(), about="\n\n".join(HOSTILE), facts={"classes": names})
    (tmp_path / "network.py").write_text(source.code, encoding="utf-8")
    assert all(character.isprintable() or character == "\n" for character in source.code)
    broken_in_two = network_source(nn.Linear(2, 2).eval(), about="x" + "\\N{x}" * 60, facts={})
    assert "Network" in {each.name for each in ast.parse(broken_in_two.code).body if isinstance(each, ast.ClassDef)}
    assert runpy.run_path(str(tmp_path / "network.py"))["Network"].classes == tuple(names)
    with pytest.raises(InputError, match="become attributes; forward, a b cannot: choose other names"):
        network_source(nn.Linear(2, 2).eval(), about="", facts={"forward": 1, "a b": 2, "classes": []})


def test_the_card_says_what_was_confirmed(trained: Callable[..., Trained], tmp_path: Path) -> None:
    """The searched value and the confirmed score stand side by side; without a confirmation it is said."""
    before = (trained().export(tmp_path / "before").folder / "README.md").read_text()
    assert "| confirmed | no: it was not trained anew" in before
    row = {"label": "trial 0", "trial": 0, "promised": 0.1, "mean": 0.123, "low": 0.120, "high": 0.126}
    answer = {"metric": "test_loss", "on": "test", "seeds": 5, "configurations": [row], "answer": "It | <b>holds</b>."}
    card = (trained().export(tmp_path / "after", confirmed=answer).folder / "README.md").read_text()
    value = f"{trained().sweep.best.value:.4f}"
    assert f"| searched | `val_loss` {value} at epoch 1, on the rows that also chose it among 1 trial:" in card
    assert "| confirmed | `test_loss` 0.1230 +- 0.0030: mean and 95 % interval over 5 trainings on fresh seeds" in card
    assert "| in a sentence | It \\| &lt;b&gt;holds&lt;/b&gt;. |" in card
    assert "rows: 1,151 training, 287 validation" in card
    refitted = (trained("refitted_folds").export(tmp_path / "refitted").folder / "README.md").read_text()
    assert "on training and validation rows together" in refitted
    assert "| these weights | never measured themselves" in refitted
    for splits, where in ((True, "fresh validation splits"), (False, "the search's own validation rows")):
        told = {**answer, "on": "validation", "splits": splits}
        card = (trained().export(tmp_path / where, confirmed=told).folder / "README.md").read_text()
        assert f"on fresh seeds, on {where} |" in card


def test_the_code_on_the_card_gives_what_the_card_says(
    trained: Callable[..., Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stranger runs it to see that the model works on his machine."""
    folder = trained().export(tmp_path / "model").folder
    (block,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    monkeypatch.chdir(folder)
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - what is exported is ours
    assert " ".join(capsys.readouterr().out.split()) in block


@pytest.mark.parametrize(
    ("layer", "expression"),
    [
        (nn.Linear(3, 4, bias=False), "nn.Linear(3, 4, bias=False)"),
        (nn.Conv2d(1, 2, (3, 5), stride=2, padding=1, groups=1), "nn.Conv2d(1, 2, (3, 5), stride=2, padding=1)"),
        (nn.AvgPool2d(2, ceil_mode=True), "nn.AvgPool2d(2, stride=2, ceil_mode=True)"),
        (nn.LayerNorm((4, 4), bias=False), "nn.LayerNorm((4, 4), bias=False)"),
        (nn.BatchNorm1d(3, momentum=0.3), "nn.BatchNorm1d(3, momentum=0.3)"),
        (nn.Dropout(0.25), "nn.Dropout(p=0.25)"),
        (nn.Sequential(nn.Flatten(), nn.ReLU()), "nn.Sequential(\n    nn.Flatten(),\n    nn.ReLU(),\n)"),
        (nn.Hardtanh(max_val=float("inf")), None),
        (nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)), None),
        (Own((1, 8, 8), 2), None),
    ],
)
def test_a_layer_is_written_as_the_call_that_makes_it(layer: nn.Module, expression: str | None) -> None:
    """Or not at all, where the call would make another one."""
    assert written(layer) == expression


def test_sweep_export_writes_the_best_trial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command says where the folder is and how to look at it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(EXPERIMENT)
    assert main(["run", "mine.py", "--here"]) == 0
    capsys.readouterr()
    arguments = parse(["export", "--to", "model"])
    assert exporting.export(arguments) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "trial 0 at epoch 1, in model: README.md, load.py, network.py, config.json, model.safetensors"
    assert told[1].startswith("look at it: python model/load.py ")
    assert loaded(tmp_path / "model").classes == tuple("0123456789")
    with pytest.raises(InputError, match="--to: model is not empty"):
        exporting.export(arguments)
    arguments.to, arguments.json = "again", True
    assert exporting.export(arguments) == 0
    assert json.loads(capsys.readouterr().out)["configuration"] == "trial 0"


def test_what_cannot_be_exported_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such data, no place, no checkpoint, until an equal replay has one; a replay itself is not what is exported."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(EXPERIMENT)
    assert main(["run", "mine.py", "--here"]) == 0

    def refused(*arguments: str) -> str:
        capsys.readouterr()
        assert main(["export", *arguments]) == 2
        return capsys.readouterr().err

    assert "there is no folder nowhere. Give the folder" in refused("--to", "model", "--data-dir", "nowhere")
    assert f"--to: {tmp_path / 'mine.py'} is a file" in refused("--to", "mine.py/a/model")
    shutil.rmtree(tmp_path / "results" / "mine" / "trials" / "0000")
    again = "which serves where it is equal to the bit: sweep replay results/mine 0\n"
    assert refused("--to", "model").endswith(again)
    assert main(["replay", "results/mine", "0", "--here"]) == 0
    assert main(["export", "--to", "model"]) == 0
    for nested in (["results/mine/replay-0"], ["results/mine/replay-0", "--trial", "0"]):
        assert "sweep export results/mine --trial N --to DIR" in refused(*nested, "--to", "other")
    assert not (tmp_path / "other").exists()


def test_folders_of_this_machine_stay_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a path to the data their name is written, with which they are found below another's folder of data sets."""
    monkeypatch.setenv("RAYSWEEPS_DATA", str(tmp_path / "data" / "alice"))
    (tmp_path / "data" / "alice").mkdir(parents=True)
    path = tmp_path / "data" / "alice" / "yields.csv"
    path.write_text("a,y\n" + "".join(f"{row % 7},{row % 5}\n" for row in range(40)))
    config = {"dataset": "table_file", "path": str(path), "target": "y", "epochs": 1, "hidden_units": 2}
    checkpoints = tmp_path / "trials"
    assert list(tabular_mlp.epochs(config, CheckpointFolder(checkpoints)))
    checkpoint = checkpoints / "segment-001" / "epoch-00001"
    asked = {"metric": "val_loss", "mode": "min", "epochs": 1, "seed": 0}
    asked |= {"search": {"name": "Random"}, "scheduler": {"name": "FIFO"}}
    opened = SimpleNamespace(asks=asked, versions={}, question="", at=0.0)
    history = SimpleNamespace(sweep=opened, asks=asked, versions={}, trials={}, looks=[], in_state=lambda _: ())
    searched: Any = SimpleNamespace(name="made", history=history)
    folder = export(
        searched, to=tmp_path / "model", trainable=tabular_mlp, trial=0, checkpoint=checkpoint, config=config
    ).folder
    written_down = json.loads((folder / "config.json").read_text())
    assert written_down["path"] == "yields.csv" and not tabular_mlp.faults(written_down)
    assert "`yields.csv`" in (card := (folder / "README.md").read_text())
    assert "put what is called so into your folder of data sets" in card
    assert not [file for file in folder.iterdir() if str(tmp_path).encode() in file.read_bytes()]


EXPERIMENT = '''"""Does it work?"""

from experiments import FIFO, Experiment, Random
from ray import tune
from trainables import image_classifier

experiment = Experiment(
    trainable=image_classifier, space={"lr": tune.loguniform(1e-3, 1e-2), "hidden_units": 4}, metric="val_loss",
    mode="min", search=Random(), scheduler=FIFO(), num_trials=1, epochs=1,
)
'''


def loaded(folder: Path) -> Any:
    """The network, as load.py gives it."""
    return runpy.run_path(str(folder / "load.py"))["load"]()
