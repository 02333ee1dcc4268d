"""How well can an MLP predict house prices? TPE proposes, ASHA prunes, five folds decide."""

from experiments import ASHA, Experiment, HyperOpt
from search_spaces import tabular
from trainables import tabular_mlp

experiment = Experiment(
    trainable=tabular_mlp,
    space={"dataset": "california_housing", "folds": 5, **tabular.wide()},
    metric="val_loss",
    mode="min",
    search=HyperOpt(),
    scheduler=ASHA(grace_epochs=1, reduction_factor=3),
    num_trials=48,
    epochs=27,
    cpus_per_trial=1,
    gpus_per_trial=0,
)
