"""What TFX's Tuner runs for the classifier: a Bayesian search over the options of training, within some minutes."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import keras_tuner
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from trainer.base import progress
from trainer.base.errors import UserError
from trainer.classifier import options
from trainer.classifier.export import saved_model
from trainer.classifier.input import reading
from trainer.classifier.networks import network
from trainer.classifier.options import ClassifierOptions, Range, TunerOptions
from trainer.classifier.training import calibration, phases, run
from trainer.training import devices, precision

_OF_THE_HEAD = ("dropout", "label_smoothing", "balance", "batch_size", "head.learning_rate", "head.epochs")
OBJECTIVE = "log_loss"


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """The search; TFX writes what was best as an artifact, and the Trainer gets it as `hyperparameters`.

    `fn_args.custom_config` has, besides what the Trainer's has, `tuner` (see `TunerOptions`).

    Raises:
        UserError: nothing is held out to judge by; fewer than two classes; weights that do not fit.
    """
    chosen, seed = options.from_config(fn_args.custom_config), fn_args.custom_config["seed"]
    search = TunerOptions.model_validate(fn_args.custom_config["tuner"])
    labels = saved_model.class_names(tft.TFTransformOutput(fn_args.transform_graph_path))
    photos = reading.read(fn_args.train_files, chosen.image_size, chosen.train.validation, seed)
    if not photos.held_out.any():
        raise UserError("classifier.tuner: classifier.train.validation holds out no photo to judge a trial by")
    folder = Path(fn_args.working_dir, "trials")
    session = phases.Session(chosen.train, photos, len(labels), seed, folder, folder)
    return TunerFnResult(tuner=PhaseTuner(chosen, search, session), fit_kwargs={})


class FromDefaults(keras_tuner.oracles.BayesianOptimizationOracle):
    """A Bayesian search whose first trial has the defaults; KerasTuner's own begins with random values."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Called by KerasTuner; the status and the values of the next trial."""
        if self.trials:
            return super().populate_space(trial_id)
        defaults = {parameter.name: parameter.default for parameter in self.hyperparameters.space}
        return {"status": keras_tuner.engine.trial.TrialStatus.RUNNING, "values": defaults}


class PhaseTuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Trains with each trial's values, and judges by the log loss on the validation part.

    The first trial is the configuration itself, so that what is found is never worse than it on that part. `session`
    has a folder for the trials.
    """

    def __init__(self, chosen: ClassifierOptions, search: TunerOptions, session: phases.Session):
        self._chosen, self._search, self._session = chosen, search, session
        self._started = time.monotonic()
        self._features: tuple[network.Network, phases.Features] | None = None
        oracle = FromDefaults(
            objective=keras_tuner.Objective(OBJECTIVE, "min"),
            max_trials=search.trials,
            hyperparameters=space(chosen, search),
            seed=session.seed,
        )
        super().__init__(oracle, directory=str(session.checkpoints), project_name="search", overwrite=True)

    def pre_create_trial(self) -> None:
        """Ends the search when the time is over."""
        if self.oracle.trials and self._minutes() >= self._search.minutes:
            self.oracle.max_trials = len(self.oracle.trials)

    def run_trial(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, float]:
        """Trains; returns the objective."""
        train = options.tuned(self._chosen.train, trial.hyperparameters.values)
        folder = self._session.checkpoints / trial.trial_id
        session = dataclasses.replace(self._session, options=train, checkpoints=folder, logs=folder)
        chosen = self._chosen.model_copy(update={"train": train})
        if set(self._search.space) <= set(_OF_THE_HEAD) and chosen.backbone.weights != "none":
            logits, labels = self._head(chosen, session)
        else:
            with devices.computing_in(precision.choose(train.precision, precision.cpu_flags(), devices.prepare())):
                trained = network.build(chosen, session.classes, chosen.backbone.weights)
                run.train(trained, session, chosen)
            logits, labels = phases.logits(trained.model, session)
        return {OBJECTIVE: calibration.log_loss(logits, labels)}

    def on_trial_end(self, trial: keras_tuner.engine.trial.Trial) -> None:
        """Reports; raises UserError when the first trial alone took longer than there is time."""
        super().on_trial_end(trial)
        minutes = self._minutes()
        if len(self.oracle.trials) == 1 and minutes > self._search.minutes:
            raise UserError(
                f"classifier.tuner.minutes: one trial takes {minutes:.1f} minutes, more than the "
                f"{self._search.minutes:g} there are; allow more, or keep classifier.tuner.space to the head"
            )
        progress.report(trial=len(self.oracle.trials), of=self._search.trials)

    def _head(self, chosen: ClassifierOptions, session: phases.Session):
        if self._features is None:
            backbone = network.build(chosen, session.classes, chosen.backbone.weights)
            self._features = backbone, phases.features(backbone, session)
        backbone, features = self._features
        head = network.head(chosen, backbone.head.input_shape[-1], session.classes)
        phases.train_head(dataclasses.replace(backbone, head=head), session, features)
        return head.predict(features.held_out, verbose=0), features.held_out_labels

    def _minutes(self) -> float:
        return (time.monotonic() - self._started) / 60


def space(chosen: ClassifierOptions, search: TunerOptions) -> keras_tuner.HyperParameters:
    """The search space, with the configuration's own values as defaults, which a search tries first."""
    parameters = keras_tuner.HyperParameters()
    for key, allowed in search.space.items():
        default = chosen.train
        for part in key.split("."):
            default = getattr(default, part)
        _add(parameters, key, allowed, default)
    return parameters


def _add(parameters: keras_tuner.HyperParameters, key: str, allowed: Range, default: float | int | str | bool) -> None:
    if allowed.values:
        parameters.Choice(key, list(allowed.values), default=default if default in allowed.values else None)
        return
    within = min(max(default, allowed.low), allowed.high)
    if isinstance(default, int):
        sampling = "log" if allowed.log else "linear"
        parameters.Int(key, int(allowed.low), int(allowed.high), sampling=sampling, default=int(within))
    else:
        parameters.Float(key, allowed.low, allowed.high, sampling="log" if allowed.log else "linear", default=within)
