"""Which learning rate, width and dropout let an MLP predict house prices? Ten random configurations."""

from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import tabular_mlp

experiment = Experiment(
    trainable=tabular_mlp,
    space={
        "dataset": "california_housing",
        "hidden_layers": 2,
        "hidden_units": tune.choice([64, 128, 256]),
        "dropout": tune.choice([0.2, 0.4, 0.6]),
        "optimizer": "adam",
        "lr": tune.choice([0.001, 0.01, 0.1]),
        "validation_fraction": 0.2,
    },
    metric="val_loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=10,
    epochs=50,
    cpus_per_trial=1,
    gpus_per_trial=0,
)
