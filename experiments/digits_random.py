"""Learning rate, depth and batch size of an MLP on digits: what do 27 random configurations find?"""

from ray import tune

from experiments import FIFO, Experiment, Random
from trainables import image_classifier

experiment = Experiment(
    trainable=image_classifier,
    space={
        "dataset": "digits",
        "model": "mlp",
        "hidden_units": 64,
        "hidden_layers": tune.randint(1, 6),
        "optimizer": "adam",
        "lr": tune.loguniform(0.001, 0.1),
        "batch_size": tune.randint(32, 129),
    },
    metric="val_loss",
    mode="min",
    search=Random(),
    scheduler=FIFO(),
    num_trials=27,
    epochs=20,
    cpus_per_trial=1,
    gpus_per_trial=0,
)
