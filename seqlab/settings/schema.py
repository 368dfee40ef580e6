"""The settings of an experiment as frozen, validated data.

An experiment is one YAML file. Its ``kind`` says what running it means (:mod:`seqlab.kinds`).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from seqlab.settings.catalogue import engine_names

Name = Annotated[
    str,
    Field(
        pattern=r"^\w[\w.-]*$",
        max_length=80,
        description="the name, for run folders: letters, digits, hyphens, dots and underscores",
    ),
]
Names = Annotated[tuple[str, ...], Strict(False)]
Presets = Annotated[
    dict[str, dict[str, Any]],
    Field(description="named groups of key: value, chosen by --preset or --difficulty"),
]


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, no silent conversion of types, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Component(Settings):
    """A model or a task by its registered name, with its options.

    The options are the keyword arguments of the model's or task's constructor; they are checked when
    the component is looked up (:func:`seqlab.registry.resolve`).
    """

    model_config = ConfigDict(extra="allow")

    name: str = Field(
        description="registered name, or path to a user's own file as path/to/my_cell.py[:ClassName]"
    )

    @property
    def options(self) -> dict[str, Any]:
        """The options without the name."""
        return dict(self.model_extra or {})


def _known_engine(name: str) -> str:
    known = ["auto", *engine_names()]
    if name not in known:
        raise ValueError(", ".join(known))
    return name


class Training(Settings):
    """How a model is trained. Steps are parameter updates; sequences are rows of a batch."""

    steps: int = Field(default=1000, ge=0, description="parameter updates in all")
    batch_size: int = Field(default=32, ge=1, description="sequences per update")
    optimizer: Literal["sgd", "rmsprop", "adam", "adamw"] = Field(
        default="adam", description="what turns gradients into updates"
    )
    learning_rate: float = Field(
        default=1e-3, gt=0, le=100, description="size of an update, before the schedule; its greatest value"
    )
    momentum: float = Field(default=0.0, ge=0, lt=1, description="of sgd and rmsprop")
    decay: float = Field(
        default=0.99, ge=0, lt=1, description="of the squared gradient's mean (rmsprop alpha, Adam beta2)"
    )
    weight_decay: float = Field(
        default=0.0, ge=0, description="pull of the weights to 0: beside the gradient (adamw), or in it"
    )
    weight_decay_of: Literal["matrices", "all"] = Field(
        default="matrices", description="all weights, or those of two axes and more: not biases and gains"
    )
    schedule: Literal["constant", "linear", "cosine"] = Field(
        default="constant",
        description="how the learning rate falls after the warm-up, to the last step",
    )
    warmup_steps: int = Field(
        default=0, ge=0, description="updates over which the learning rate rises from 0"
    )
    final_learning_rate: float = Field(
        default=0.0, ge=0, le=1, description="at the last step, as a fraction of learning_rate"
    )
    clip_norm: float | None = Field(
        default=1.0, gt=0, description="greatest global norm of the gradient; null to leave it"
    )
    averaging: float | None = Field(
        default=None, gt=0, lt=1, description="decay of the averaged weights that are evaluated"
    )
    evaluate_every: int = Field(default=100, ge=1, description="steps between validations")
    evaluation_sequences: int = Field(
        default=512, ge=1, description="size of the validation set, where the task makes its own"
    )
    test_sequences: int = Field(
        default=2560, ge=1, description="size of the held-out test set, where the task makes its own"
    )
    stop_when: dict[str, float] = Field(
        default_factory=dict,
        description="validation metrics at which the task counts as solved; training stops",
    )
    passes: float | None = Field(
        default=None,
        gt=0,
        description="passes over the data after which training ends at the latest, where they have an end, "
        "as a text has; null for all the steps, as it is when steps are given on the command line",
    )
    patience: int | None = Field(
        default=None, ge=1, description="validations without a better loss before stopping"
    )
    engine: Annotated[str, AfterValidator(_known_engine)] = Field(
        default="auto",
        description="what computes: torch, compiled code for small networks (fused), or counting; auto takes "
        "the first of these that can, the fastest",
        json_schema_extra={"enum": ["auto", *engine_names()]},
    )
    log_every: int = Field(default=20, ge=1, description="steps between lines of metrics.jsonl")
    checkpoint_every: int = Field(
        default=500, ge=1, description="steps between checkpoints; none within half a second of another"
    )


_DEVICE = r"^(auto|cpu|mps|cuda(:[0-9]+)?)$"


def _known_device(name: str) -> str:
    if re.match(_DEVICE, name) is None:
        raise ValueError("auto, cpu, cuda, cuda:1, mps")
    return name


class Compute(Settings):
    """Where and how precisely to compute."""

    device: Annotated[str, AfterValidator(_known_device)] = Field(
        default="auto",
        description="where to compute: cpu, cuda (or cuda:1, of several) or mps; auto takes a GPU that "
        "is not slower",
        json_schema_extra={"pattern": _DEVICE},
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto", description="of the forward pass; auto takes bf16 where that is measured to be faster"
    )
    threads: int | None = Field(
        default=None, ge=1, le=1024, description="torch threads; null for the number of cores"
    )


class Origin(Settings):
    """The run whose weights training starts from, instead of drawn ones."""

    run: str = Field(description="its id, or the path of its folder")
    weights: str | None = Field(
        default=None, description="SHA-256 of its best weights, which must be these; null for what they are"
    )
    freeze: Names = Field(
        default=(), description="parts of the model that do not learn, such as embedding or cells.0"
    )


class MixedIn(Settings):
    """An n-gram model that is mixed into the forecasts of a trained language model.

    p = (1 - share) p_network + share p_ngram, when it is judged at the end, sampled from, and scores texts.
    Training does not know of it.
    """

    order: int = Field(default=7, ge=1, le=8, description="of the n-gram model")
    share: float = Field(default=0.35, gt=0, lt=1, description="of the n-gram model")


class TrialSettings(Settings):
    """A way of judging the finished model, beside the ordinary one."""

    task: dict[str, Any] = Field(
        default_factory=dict, description="options of the task that differ, such as a greater length"
    )
    answers: Literal["shown", "greedy", "beam"] = Field(
        default="shown",
        description="shown with the right symbols so far as the input, or written: the likeliest symbol each "
        "time (greedy), or by beam search",
    )


class Experiment(Settings):
    """What every experiment has, whatever its kind; :mod:`seqlab.kinds` holds one file for each."""

    kind: str
    experiment: Name
    summary: str = Field(default="", description="what it is about, in a line")


class TrainExperiment(Experiment):
    """One model learns one task."""

    kind: Literal["train"] = "train"
    seed: int = Field(default=1, ge=0, le=2**32 - 1, description="of first weights, data and dropout")
    task: Component = Field(description="what is learned: its name, and options of its own")
    model: Component = Field(description="what learns: its name, and options of its own")
    models: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="name: options of a model when it takes the place of this one"
    )
    training: Training = Field(default=Training(), description="how it is trained")
    trials: dict[str, TrialSettings] = Field(
        default_factory=dict, description="name: another way of judging the finished model"
    )
    origin: Origin | None = Field(
        default=None, description="the run whose weights training starts from; null for drawn ones"
    )
    mixture: MixedIn | None = Field(
        default=None, description="for language models: counts that the trained network is mixed with"
    )
    compute: Compute = Field(default=Compute(), description="where and how precisely to compute")
    presets: Presets = Field(default_factory=dict)
