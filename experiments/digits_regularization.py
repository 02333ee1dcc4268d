"""What keeps an MLP from learning the digits by heart: L1, L2, dropout, label smoothing, patience?"""

from ray import tune

from experiments import FIFO, Experiment, HyperOpt
from search_spaces import regularization
from trainables import image_classifier

experiment = Experiment(
    trainable=image_classifier,
    space={
        "dataset": "digits",
        "model": "mlp",
        "hidden_units": [256, 256],
        "optimizer": "adam",
        **regularization.wide(),
        "patience": tune.randint(2, 21),
    },
    metric="val_loss",
    mode="min",
    search=HyperOpt(),
    scheduler=FIFO(),  # patience is what ends a trial early
    num_trials=64,
    epochs=100,
    cpus_per_trial=1,
    gpus_per_trial=0,
)
