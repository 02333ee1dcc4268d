"""The networks: what they take and give, how they are made, and what is said of one's own that do not fit."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, get_args

import pytest
import torch
from torch import nn

import trainables as parts
from trainables import ConfigurationError, ImageClassifierConfig
from trainables.models.own import missing_model

if TYPE_CHECKING:
    from pathlib import Path

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (2, 9, 33), (3, 1, 5)]

shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
activations = pytest.mark.parametrize(
    "activation", get_args(ImageClassifierConfig.model_fields["activation"].annotation)
)


def kinds(network: nn.Module) -> list[str]:
    """Return the kinds of a network's layers, first to last."""
    return [type(layer).__name__ for layer in network.modules() if not list(layer.children())]


def assert_trains(network: nn.Module, shape: tuple[int, ...], outputs: int) -> None:
    """Assert that a network gives (rows, outputs), and that every parameter has a finite gradient."""
    result = network(torch.rand(4, *shape))
    assert result.shape == (4, outputs)
    result.square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


@shapes
@pytest.mark.parametrize("batch_norm", [False, True])
def test_mlp(shape: tuple[int, ...], batch_norm: bool) -> None:
    """A perceptron takes inputs of any shape; with no hidden layer it is linear."""
    features = torch.Size(shape).numel()
    assert_trains(parts.mlp(features, 3, layers=[5, 4], batch_norm=batch_norm, dropout=0.1), shape, 3)
    assert kinds(parts.mlp(features, 3, layers=[], batch_norm=batch_norm, dropout=0.1)) == ["Flatten", "Linear"]


def test_order_of_the_layers() -> None:
    """Normalization stands between weights and nonlinearity, dropout after it; a normalized layer has no bias."""
    network = parts.mlp(4, 2, layers=[5], batch_norm=True, dropout=0.5)
    assert kinds(network) == ["Flatten", "Linear", "BatchNorm1d", "ReLU", "Dropout", "Linear"]
    assert [layer.bias is None for layer in network.modules() if isinstance(layer, nn.Linear)] == [True, False]
    network = parts.cnn((1, 4, 4), 2, channels=[5], layers=[3], batch_norm=True, dropout=0.5)
    block, head = kinds(network)[:4], kinds(network)[4:]
    assert block == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    assert head == ["Flatten", "Linear", "BatchNorm1d", "ReLU", "Dropout", "Linear"]
    assert next(iter(network)).bias is None


@activations
def test_activations(activation: str) -> None:
    """Every nonlinearity that a configuration may name is PyTorch's of that name, in each hidden layer and block."""
    name = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "elu": "ELU", "gelu": "GELU", "silu": "SiLU"}.get(
        activation, activation.capitalize()
    )
    assert kinds(parts.mlp(2, 2, layers=[3, 3], activation=activation)).count(name) == 2
    assert kinds(parts.cnn((1, 4, 4), 2, channels=[3, 3], layers=[3], activation=activation)).count(name) == 3


@shapes
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("channels", [[], [4], [4, 5, 6, 7, 8, 9]], ids=len)
def test_cnn(shape: tuple[int, ...], batch_norm: bool, channels: list[int]) -> None:
    """Images of any size go through any number of blocks, pooled only as long as there is something to pool."""
    assert_trains(parts.cnn(shape, 3, channels=channels, layers=[5], batch_norm=batch_norm), shape, 3)


@pytest.mark.parametrize("side", [8, 28, 32, 64, 97, 224])
def test_what_the_perceptron_of_a_cnn_sees_is_small(side: int) -> None:
    """However large the image, the dense layers see at most 8 x 8 pixels of each channel."""
    network = parts.cnn((3, side, side), 10, channels=[4, 6], layers=[5]).eval()
    dense = next(layer for layer in network.modules() if isinstance(layer, nn.Linear))
    assert dense.in_features <= 6 * 8 * 8
    assert network(torch.zeros(1, 3, side, side)).shape == (1, 10)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (2, 64, 33), (1, 65, 65), (3, 96, 96), (4, 96, 70)], ids=str)
def test_resnet(shape: tuple[int, ...]) -> None:
    """Images of any number of channels and any size go through, the small ones with 8 times the resolution inside."""
    network = parts.resnet18(shape, 5, dropout=0.1, batch_norm_momentum=0.3)
    assert_trains(network, shape, 5)
    assert {layer.momentum for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)} == {0.3}
    is_small = max(shape[1:]) <= 64
    assert network.conv1.stride == ((1, 1) if is_small else (2, 2))
    assert isinstance(network.maxpool, nn.Identity if is_small else nn.MaxPool2d)


def test_resnet_is_torchvisions() -> None:
    """On large colour images it is torchvision's network, with the same initial weights from the same seed."""
    from torchvision import models

    with torch.random.fork_rng(devices=[]):
        networks = []
        for make in (lambda: parts.resnet18((3, 224, 224), 10), lambda: models.resnet18(num_classes=10)):
            torch.manual_seed(0)
            networks.append(make().state_dict())
    ours, theirs = networks
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_stem_is_initialized_like_the_other_convolutions() -> None:
    """The replaced first convolution is drawn as He et al. (2015) draw it: variance 2 / (outputs x pixels)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weight = parts.resnet18((16, 32, 32), 10).conv1.weight
    assert float(weight.detach().std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)


OWN = """
import torch
from torch import nn

Wide = nn.Linear
not_a_function = 3

def network(input_shape, outputs, *, width=4):
    assert type(input_shape) is tuple
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(width), nn.BatchNorm1d(width), nn.Linear(width, outputs))

def noisy(input_shape, outputs):
    network = fixed(input_shape, outputs)
    network.weight = nn.Parameter(torch.zeros(1))
    return network

def no_network(input_shape, outputs):
    return [nn.Linear(1, 1)]

def wrong_outputs(input_shape, outputs):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(outputs + 1))

def fixed(input_shape, outputs):
    class Noisy(nn.Module):
        def forward(self, inputs):
            return torch.rand(len(inputs), outputs)
    return Noisy()

def two_results(input_shape, outputs):
    class Two(nn.Module):
        def forward(self, inputs):
            return inputs, inputs
    return Two()
"""


@pytest.fixture
def own_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give the name of a package with a module of networks, which nobody has imported."""
    name = f"package_{tmp_path.name.replace('-', '_')}"
    package = tmp_path / name
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('nobody may import this')\n")
    (package / "networks.py").write_text(OWN)
    (package / "broken.py").write_text("def network(:\n")
    (tmp_path / f"{name}_alone.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_a_network_of_ones_own(own_networks: str) -> None:
    """The function is called with shape, outputs and options; what it returns is as it returned it."""
    network = parts.own_model(f"{own_networks}_alone:network", (1, 4, 4), 3, width=6)
    assert kinds(network) == ["Flatten", "Linear", "BatchNorm1d", "Linear"]
    assert network.training
    assert network[2].num_batches_tracked == 0
    assert_trains(network, (1, 4, 4), 3)


def test_checking_a_network_draws_nothing(own_networks: str) -> None:
    """The forward pass that checks the shape leaves torch's global random state as the function left it."""
    before = torch.get_rng_state()
    parts.own_model(f"{own_networks}_alone:noisy", (1, 4, 4), 3)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        (
            "no_such_module:network",
            (
                "model is 'no_such_module:network', but Python finds no module 'no_such_module'; "
                "install it, start in the folder it lies in, or name that folder in PYTHONPATH"
            ),
        ),
        (
            "{}_alone:netwrok",
            (
                "model is '{}_alone:netwrok', but {}_alone has no function 'netwrok' (it has Wide, fixed, network, nn, "
                "no_network, noisy, not_a_function, torch, two_results, wrong_outputs). Did you mean 'network'?"
            ),
        ),
        (
            "{}_alone:no_network",
            "model is '{}_alone:no_network', which returned an object of type list; let it return a torch.nn.Module",
        ),
        (
            "{}_alone:wrong_outputs",
            (
                "model is '{}_alone:wrong_outputs', which gives (2, 4) for inputs of shape (2, 1, 4, 4); it should be "
                "(2, 3): for each row one number per class. Let its last layer have `outputs` units"
            ),
        ),
        (
            "{}_alone:fixed",
            (
                "model is '{}_alone:fixed', which returned a network without a parameter that requires a gradient; "
                "let it have weights to train"
            ),
        ),
        (
            "{}_alone:two_results",
            (
                "model is '{}_alone:two_results', which gives a tuple for inputs of shape (2, 1, 4, 4); it should be "
                "(2, 3): for each row one number per class. Let its last layer have `outputs` units"
            ),
        ),
    ],
)
def test_a_network_that_does_not_fit(own_networks: str, spec: str, fault: str) -> None:
    """What is wrong with a network of one's own is said in words when it is made."""
    with pytest.raises(ConfigurationError) as caught:
        parts.own_model(spec.format(own_networks), (1, 4, 4), 3)
    assert str(caught.value) == fault.replace("{}", own_networks)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (
            {"widht": 6},
            (
                "which takes (input_shape, outputs, *, width=4) but is called with (input_shape, outputs, widht=...): "
                "got an unexpected keyword argument 'widht'; give in model_options, by name, what it takes beside "
                "shape and outputs. Did you mean 'width'?"
            ),
        ),
        ({"outputs": 6}, "multiple values for argument 'outputs'; give in model_options, by name, what it takes"),
        ({"spec": 6}, "got an unexpected keyword argument 'spec'; give in model_options, by name, what it takes"),
    ],
)
def test_options_that_a_function_does_not_take(own_networks: str, options: dict[str, int], fault: str) -> None:
    """Arguments that do not fit a function of one's own are said with what it takes, before it is called."""
    spec = f"{own_networks}_alone:network"
    with pytest.raises(ConfigurationError) as caught:
        parts.own_model(spec, (1, 4, 4), 3, **options)
    assert str(caught.value).startswith(f"model is {spec!r}, which takes (input_shape, ")
    assert fault in str(caught.value)


def test_what_a_module_of_ones_own_lacks_is_its_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is there but imports one that is not fails with Python's own message."""
    (tmp_path / "needs_more.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_library'"):
        parts.own_model("needs_more:network", (1, 4, 4), 3)


def test_missing_model_imports_nothing(own_networks: str) -> None:
    """Whether a function is there is read from the source: neither the module nor its package is imported."""
    assert missing_model(f"{own_networks}.networks:network") == []
    assert missing_model(f"{own_networks}.networks:Wide") == []
    assert missing_model(f"{own_networks}_alone:network") == []
    assert not [name for name in sys.modules if name.startswith(own_networks)]


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("{}.network:network", "but Python finds no module '{}.network'"),
        ("{}.networks.more:network", "but Python finds no module '{}.networks.more'"),
        ("no_such_module:network", "but Python finds no module 'no_such_module'"),
        ("{}.networks:netwrok", "{}.networks has no function 'netwrok' (it has Wide, fixed, network, nn,"),
        ("{}.broken:network", "broken.py, line 1, is not Python (invalid syntax); correct it"),
        ("math:network", "but math has no function 'network' (it has acos,"),
    ],
)
def test_missing_model_says_what_is_missing(own_networks: str, spec: str, fault: str) -> None:
    """A module or function that is not there is a fault before anything starts."""
    (said,) = missing_model(spec.format(own_networks))
    assert said.startswith(f"model is '{spec.format(own_networks)}', but ")
    assert fault.replace("{}", own_networks) in said


@pytest.mark.parametrize(
    "source",
    [
        "from elsewhere import *",
        "def __getattr__(name): ...",
        "try:\n    from elsewhere import network\nexcept ImportError:\n    pass",
        "try:\n    pass\nexcept ImportError:\n    network = 1",
        "if True:\n    pass\nelse:\n    def network(): ...",
        "with open('x') as network: pass",
        "match 1:\n    case _:\n        def network(): ...",
        "import elsewhere.things as network",
        "a, (network, b) = 1, (2, 3)",
        "network: object = 3",
    ],
)
def test_names_that_a_module_may_have(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that running the module might bind is never called missing."""
    (tmp_path / "some_module.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert missing_model("some_module:network") == []


def test_local_names_are_not_names_of_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a function binds inside itself is not in the module."""
    (tmp_path / "local_names.py").write_text("def other():\n    network = 1\n    import network\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert missing_model("local_names:network")[0].endswith("has no function 'network' (it has other).")


def test_importing_the_check_costs_nothing() -> None:
    """Neither looking for a model of one's own nor the models by name load torch before one is made."""
    _run("from trainables.models.own import missing_model; missing_model('os.path:join'); slow = {'torch', 'numpy'}")
    _run("from trainables import cnn, mlp, own_model, resnet18; slow = {'torchvision', 'sklearn', 'ray'}")


def _run(program: str) -> None:
    check = "import sys; assert not slow & set(sys.modules), slow & set(sys.modules)"
    subprocess.run([sys.executable, "-W", "error", "-c", f"{program}; {check}"], check=True)
