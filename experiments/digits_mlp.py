"""How far does a small MLP get on handwritten digits? TPE proposes, ASHA prunes."""

from experiments import ASHA, Experiment, HyperOpt
from search_spaces import mlp
from trainables import image_classifier

experiment = Experiment(
    trainable=image_classifier,
    space={"dataset": "digits", "model": "mlp", **mlp.wide()},
    metric="val_loss",
    mode="min",
    search=HyperOpt(),
    scheduler=ASHA(grace_epochs=1, reduction_factor=3),
    num_trials=64,
    epochs=27,
    cpus_per_trial=1,
    gpus_per_trial=0,
)
