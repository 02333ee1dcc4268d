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
    scheduler=ASHA(grace_epochs=3, reduction_factor=3),  # after one epoch the quick starters lead
    num_trials=96,
    epochs=27,
    cpus_per_trial=1,
    gpus_per_trial=0,
)
