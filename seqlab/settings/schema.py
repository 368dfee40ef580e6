"""The settings of an experiment as frozen, validated data.

An experiment is one YAML file. Its ``kind`` says what running it means:

    train       one model learns one task
    compare     several models learn the task of another experiment, over several seeds
    gradients   the gradient through time is measured at the start, nothing is trained
    cures       likewise, of many models in several columns, for weak and strong input, and with clipping
    lags        several models learn tasks at growing lags; their gradients through time beside it
    variants    one model learns one task under several settings, laid over each other
    worked-example, memory-gates    a small network is worked out or driven by hand, nothing is trained
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, TypeAdapter

Name = Annotated[
    str,
    Field(
        pattern=r"^\w[\w.-]*$",
        max_length=80,
        description="the name, for run folders: letters, digits, hyphens, dots and underscores",
    ),
]
Names = Annotated[tuple[str, ...], Strict(False)]
Presets = dict[str, dict[str, Any]]


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


class Training(Settings):
    """How a model is trained. Steps are parameter updates; sequences are rows of a batch."""

    steps: int = Field(default=1000, ge=0, description="parameter updates in all")
    batch_size: int = Field(default=32, ge=1, description="sequences per update")
    optimizer: Literal["sgd", "rmsprop", "adam", "adamw"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0, le=100)
    momentum: float = Field(default=0.0, ge=0, lt=1, description="of sgd and rmsprop")
    decay: float = Field(
        default=0.99, ge=0, lt=1, description="of the squared gradient's mean (rmsprop alpha, Adam beta2)"
    )
    weight_decay: float = Field(default=0.0, ge=0)
    weight_decay_of: Literal["matrices", "all"] = Field(
        default="matrices", description="all weights, or those of two axes and more: not biases and gains"
    )
    schedule: Literal["constant", "linear", "cosine"] = "constant"
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
    patience: int | None = Field(
        default=None, ge=1, description="validations without a better loss before stopping"
    )
    engine: Literal["auto", "torch", "fused"] = Field(
        default="auto",
        description="torch, or compiled code for small networks (fused); auto takes the faster",
    )
    log_every: int = Field(default=20, ge=1, description="steps between lines of metrics.jsonl")
    checkpoint_every: int = Field(
        default=500, ge=1, description="steps between checkpoints; none within half a second of another"
    )


class Compute(Settings):
    """Where and how precisely to compute."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    threads: int | None = Field(
        default=None, ge=1, le=1024, description="torch threads; null for the number of cores"
    )


class MixedIn(Settings):
    """An n-gram model that is mixed into the forecasts of a trained language model.

    p = (1 - share) p_network + share p_ngram, when it is judged at the end, sampled from, and scores texts.
    Training does not know of it.
    """

    order: int = Field(default=7, ge=1, le=8, description="of the n-gram model")
    share: float = Field(default=0.35, gt=0, lt=1, description="of the n-gram model")


class TrainExperiment(Settings):
    """One model learns one task."""

    kind: Literal["train"] = "train"
    experiment: Name
    summary: str = ""
    seed: int = Field(default=1, ge=0, le=2**32 - 1)
    task: Component
    model: Component
    models: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="name: options of a model when it takes the place of this one"
    )
    training: Training = Training()
    mixture: MixedIn | None = Field(
        default=None, description="for language models: counts that the trained network is mixed with"
    )
    compute: Compute = Compute()
    presets: Presets = Field(
        default_factory=dict, description="named groups of key: value, chosen by --preset or --difficulty"
    )


class CompareExperiment(Settings):
    """Several models learn the task of another experiment, over several seeds."""

    kind: Literal["compare"]
    experiment: Name
    summary: str = ""
    on: str = Field(description="the experiment whose task and training all models share")
    models: Names = Field(
        min_length=1, description="as on the command line: lstm, lstm[hidden_size=8], my_cell.py"
    )
    labels: Names = Field(
        default=(), description="what the models are called, one each; none for their names"
    )
    seeds: int = Field(default=5, ge=1, le=1000, description="seeds 1 to this number")
    difficulty: Names = Field(default=(), description="of the task; several are a ladder")
    match_parameters: bool = Field(
        default=False, description="whether widths are chosen so that all are as large as the largest"
    )
    settings: dict[str, Any] = Field(default_factory=dict, description="key: value laid over that experiment")
    presets: Presets = Field(default_factory=dict)


class GradientExperiment(Settings):
    """The norm of d h(T) / d h(t) against the lag T - t, at the start."""

    kind: Literal["gradients"]
    experiment: Name
    summary: str = ""
    models: Names = Field(min_length=1)
    hidden_size: int = Field(default=100, ge=1, le=2000)
    lags: int = Field(default=100, ge=1, le=10_000, description="greatest lag, in steps")
    burn_in: int = Field(
        default=50,
        ge=0,
        le=10_000,
        description="steps before the first Jacobian, so that the state has settled",
    )
    input_std: float = Field(
        default=0.1, ge=0, description="standard deviation of the input weights, for one N(0, 1) input"
    )
    seeds: int = Field(default=5, ge=1, le=1000)
    presets: Presets = Field(default_factory=dict)


class CuresExperiment(Settings):
    """What helps against vanishing and exploding gradients, side by side; nothing is trained."""

    kind: Literal["cures"]
    experiment: Name
    summary: str = ""
    columns: dict[str, Names] = Field(min_length=1, description="title: models; a column of the picture")
    input_std: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        default=(0.1, 1.0),
        min_length=1,
        strict=False,
        description="standard deviations of the input weights; a row of the picture each",
    )
    clipped: Names = Field(default=(), description="models that are shown with and without clipping")
    clip_norm: float = Field(default=1.0, gt=0, description="greatest global norm of the clipped gradient")
    hidden_size: int = Field(default=100, ge=1, le=2000)
    lags: int = Field(default=100, ge=1, le=10_000, description="greatest lag, in steps")
    burn_in: int = Field(default=50, ge=0, le=10_000, description="steps before the first Jacobian")
    seeds: int = Field(default=5, ge=1, le=1000, description="seeds 1 to this number")
    presets: Presets = Field(default_factory=dict)


class Rung(Settings):
    """A task at one lag."""

    lag: int = Field(ge=1, description="steps from the first symbol that matters to the answer")
    settings: dict[str, Any] = Field(description="key: value that bring the task to that lag")


class Ladder(Settings):
    """A task at growing lags."""

    on: str = Field(description="the experiment whose task and training all models share")
    settings: dict[str, Any] = Field(default_factory=dict, description="key: value laid over that experiment")
    rungs: tuple[Rung, ...] = Field(min_length=1, strict=False)


class LagsExperiment(Settings):
    """Several models learn tasks at growing lags, and their gradients through time are measured."""

    kind: Literal["lags"]
    experiment: Name
    summary: str = ""
    models: Names = Field(min_length=1)
    labels: Names = Field(
        default=(), description="what the models are called, one each; none for their names"
    )
    seeds: int = Field(default=3, ge=1, le=1000, description="seeds 1 to this number")
    ladders: tuple[Ladder, ...] = Field(min_length=1, strict=False)
    presets: Presets = Field(default_factory=dict)


class VariantsExperiment(Settings):
    """One model learns one task under several settings: losses and gradient norms over each other."""

    kind: Literal["variants"]
    experiment: Name
    summary: str = ""
    on: str = Field(description="the experiment whose task and training all share")
    learner: str = Field(description="the model, as on the command line: lstm, lstm[hidden_size=8]")
    seed: int = Field(default=1, ge=0, le=2**32 - 1)
    settings: dict[str, Any] = Field(default_factory=dict, description="key: value laid over that experiment")
    variants: dict[str, dict[str, Any]] = Field(
        min_length=1, description="label: key: value, in which they differ"
    )
    presets: Presets = Field(default_factory=dict)


class WorkedExperiment(Settings):
    """A small network is worked out or driven by hand; there is nothing to set."""

    kind: Literal["worked-example", "memory-gates"]
    experiment: Name
    summary: str = ""


AnyExperiment = (
    TrainExperiment
    | CompareExperiment
    | GradientExperiment
    | CuresExperiment
    | LagsExperiment
    | VariantsExperiment
    | WorkedExperiment
)
Experiment = Annotated[AnyExperiment, Field(discriminator="kind")]
ADAPTER: TypeAdapter[AnyExperiment] = TypeAdapter(Experiment)
