"""What seqlab does on a GPU: whether it is right, and how fast it is, beside what one would write in PyTorch.

    python benchmarks/gpu.py [PART ...]

Each part prints what it measured, with pass or FAIL where there is something to be reached; without a name all are
run, which takes some three minutes on an H100. SEQLAB_DATA_DIR names the folder of Tiny Shakespeare where there is
no network. What the presets for a GPU come to is for presets.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from tempfile import mkdtemp
from typing import Any

import torch
import torch.nn.functional as F
from gpu_plain import LAYERS, plain_seconds
from torch import Tensor, nn

from seqlab.configure import load_training
from seqlab.engines import engine_of
from seqlab.errors import SeqlabError
from seqlab.generation import Sampling, generate_many
from seqlab.models import Cell, Input, Recurrent, SequenceModel, build_model, count_parameters
from seqlab.session.opening import open_session
from seqlab.settings import Component, Training
from seqlab.tasks import Task, build_task
from seqlab.training import Learner, Step, evaluate, fit, new_learner, recorded
from seqlab.training.graphs import Graphs
from seqlab.training.memory import within_memory
from seqlab.training.runtime import autocast, prepare

GPU = torch.device("cuda")
SIZES = ((1, 512, 64, 64), (2, 384, 64, 64), (3, 512, 64, 128), (2, 1024, 128, 128))
"""Layers, units, sequences of a batch, steps."""
PARTS: dict[str, Callable[..., None]] = {}


def part(function: Callable[..., None]) -> Callable[..., None]:
    """Add a part, under its name."""
    PARTS[function.__name__] = function
    return function


def say(name: str, figures: str, ok: bool | None = None) -> None:
    """Print a line of the table."""
    print(f"{'' if ok is None else 'pass ' if ok else 'FAIL '}{name}: {figures}", flush=True)


def text(period: int = 64) -> Task:
    """Return the task of the character models."""
    return build_task(
        Component.model_validate({"name": "char-lm", "corpus": "shakespeare", "period": period})
    )


def model_of(name: str, task: Task, seed: int = 1, **options: Any) -> SequenceModel:
    """Return a model on the GPU."""
    return build_model(Component.model_validate({"name": name, **options}), task.spec, seed).to(GPU)


def settings_of(steps: int, **others: Any) -> Training:
    """Return settings without judgements on the way."""
    usual = {"optimizer": "adamw", "learning_rate": 3e-3, "clip_norm": 1.0, "evaluate_every": 10**9}
    return Training.model_validate({"steps": steps, "checkpoint_every": 10**9, **usual, **others})


def by_graphs(
    learner: Learner, task: Task, settings: Training, precision: str = "fp32", told: list[str] | None = None
) -> Iterator[Step]:
    """Train with updates that are recorded."""
    tell = print if told is None else told.append
    return recorded.fit(learner, task, settings, 1, autocast(precision, GPU), Graphs(GPU), tell=tell)


def seconds_of(learner: Learner, steps: Iterator[Step], skipped: int = 64, counted: int = 64) -> float:
    """Return the seconds of a step in the mean, after some; whole rounds are timed, which are told at once."""
    began, first = 0.0, 0
    for step in steps:
        if step.step < learner.step:
            continue
        now = time.perf_counter()
        if not first and step.step >= skipped:
            began, first = now, step.step
        elif first and step.step >= first + counted:
            return (now - began) / (step.step - first)
    raise ValueError("there are too few steps")


@part
def steps(which: str = "") -> None:
    """A training step of character models, beside the plain loop's; steps:lstm is of that cell alone."""
    for cell in [which] if which else LAYERS:
        for layers, units, rows, period in SIZES:
            task, settings = text(period), settings_of(10**6, batch_size=rows)
            for precision in ("fp32", "bf16"):
                model = model_of(cell, task, hidden_size=units, layers=layers, embedding_size=units)
                learner = new_learner(model, settings)
                ours = seconds_of(learner, by_graphs(learner, task, settings, precision))
                plain = plain_seconds(cell, layers, units, task.text("train"), rows, period, precision)
                say(
                    f"{cell} {layers} x {units}, {rows} x {period}, {precision}",
                    f"{1e3 * ours:.2f} ms, plain {1e3 * plain:.2f} ms, ratio {ours / plain:.2f}, "
                    f"{rows * period / ours:,.0f} characters/s",
                    ours <= 1.05 * plain,
                )


class Own(Cell):
    """A cell as a user writes it: a gate between the old state and a new one."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, 2 * hidden_size)
        self.W = nn.Parameter(torch.empty(2 * hidden_size, hidden_size))

    def step(self, x: Tensor, state: tuple[Tensor, ...], *_: Any, **__: Any) -> tuple[Tensor, ...]:
        """Return the new h."""
        (h,) = state
        gate, new = (self.input(x) + F.linear(h, self.W)).chunk(2, 1)
        z = torch.sigmoid(gate)
        return (z * h + (1 - z) * torch.tanh(new),)


def own_model(task: Task) -> SequenceModel:
    """Return a network of that cell on the GPU."""
    model = Recurrent(Own, task.spec, hidden_size=12)
    model.initialise(torch.Generator().manual_seed(1))
    return model.to(GPU)


@part
def own() -> None:
    """A user's own cell at temporal-order, hard: recorded, and operation by operation."""
    task = build_task(Component.model_validate({"name": "temporal-order", "difficulty": "hard"}))
    settings = settings_of(10**6, batch_size=32)
    began = time.perf_counter()
    learner = new_learner(own_model(task), settings)
    repeated = seconds_of(learner, by_graphs(learner, task, settings), 128, 192)
    took = time.perf_counter() - began
    for _, step in zip(
        range(30), fit(new_learner(own_model(task), settings), task, settings, 1), strict=False
    ):
        if step.step == 10:
            began = time.perf_counter()
    plain = (time.perf_counter() - began) / 20
    say(
        "own cell, 12 units, hard, 32 sequences",
        f"{1e3 * repeated:.2f} ms, plainly {1e3 * plain:.2f} ms: {plain / repeated:.1f} times as fast; "
        f"320 steps with recording {took:.1f} s",
        plain >= 5 * repeated,
    )


@part
def drawing() -> None:
    """That models which draw are trained, whether their updates can be repeated or not."""
    for name, options, shown in (
        ("glimpse-network", {}, "digit-glimpses"),
        ("draw", {"rising": 0}, "digit-drawing"),
        ("captioner", {"attention": "hard", "soft_updates": 0}, "digit-captions"),
        ("memory-network", {"linear_start": 0}, "stories"),
        ("skip-gram", {}, "near-words"),
    ):
        task, told = build_task(Component(name=shown)), list[str]()
        learner = new_learner(model_of(name, task, **options), settings_of(8))
        made = len([*by_graphs(learner, task, settings_of(8), told=told)])
        say(f"{name}, which draws", f"{made} updates {told}", made == 8)


@part
def right() -> None:
    """That repeated updates learn what plain ones do; precisions; going on; and what is refused."""
    task = text()
    for name, options in (
        ("lstm", {}),
        ("gru", {}),
        ("rnn", {}),
        ("gru", {"reset": "before"}),
        ("mingru", {}),
    ):
        learners = [
            new_learner(model_of(name, task, hidden_size=128, **options), settings_of(30)) for _ in range(2)
        ]
        plainly = [step.loss for step in fit(learners[0], task, settings_of(30), 1)]
        told: list[str] = []
        repeated = [step.loss for step in by_graphs(learners[1], task, settings_of(30), told=told)]
        gap = max(abs(one - other) for one, other in zip(plainly, repeated, strict=True))
        say(
            f"{name} {options or ''} repeated and plain, 30 steps",
            f"losses differ by {gap:.1e} {told}",
            gap < 2e-3,
        )
    for cell in LAYERS:
        reached = {}
        for precision in ("fp32", "bf16"):
            settings = settings_of(300, schedule="cosine")
            learner = new_learner(model_of(cell, task, hidden_size=256, embedding_size=256), settings)
            for _ in by_graphs(learner, task, settings, precision):
                pass
            reached[precision] = evaluate(learner.model, task, task.evaluation("validation", 0, 1))["loss"]
        gap = abs(reached["fp32"] - reached["bf16"])
        say(f"{cell}, 300 steps", f"fp32 {reached['fp32']:.4f}, bf16 {reached['bf16']:.4f}", gap < 0.01)
    hard = build_task(Component.model_validate({"name": "temporal-order", "difficulty": "hard"}))
    for name, task, model, precision in (
        ("lstm with dropout", text(), lambda: model_of("lstm", text(), hidden_size=128, dropout=0.3), "fp32"),
        (
            "lstm with dropout, bf16",
            text(),
            lambda: model_of("lstm", text(), hidden_size=128, dropout=0.3),
            "bf16",
        ),
        ("own cell, padding", hard, lambda: own_model(hard), "fp32"),
    ):
        settings = settings_of(80, averaging=0.9)
        whole, first, second = (new_learner(model(), settings) for _ in range(3))
        expected = [step.loss for step in by_graphs(whole, task, settings, precision)]
        found = []
        half = recorded.fit(first, task, settings, 1, autocast(precision, GPU), Graphs(GPU), pause_at=(40,))
        for step in half:
            found.append(step.loss)
            if step.step == 40:
                break
        second.load_state_dict(first.state_dict())
        found += [step.loss for step in by_graphs(second, task, settings, precision)]
        gap = max(abs(one - other) for one, other in zip(expected, found, strict=True))
        say(f"{name}: interrupted and gone on with", f"losses differ by {gap:.1e}", gap == 0)
    again = [step.loss for step in by_graphs(new_learner(own_model(hard), settings), hard, settings)]
    say("own cell, the same twice", "to the bit" if again == expected else "no", again == expected)


@part
def refused() -> None:
    """A device that there is not, memory that does not suffice, and runs that go between devices."""
    for words in (
        ["--device", "cuda:9"],
        ["--device", "cuda", "training.steps=20", "training.evaluate_every=20"],
    ):
        done, folder = command("train", "adding", "--quiet", *words)
        say(
            " ".join(words),
            f"exit code {done.returncode}: {done.stderr.strip() or done.stdout.strip()[:200]}",
        )
    done, folder = command("train", "char-shakespeare", "--device", "cuda", "--preset", "minute", "--quiet",
                           "training.steps=20", "training.evaluate_every=20", "mixture=null")  # fmt: skip
    say("trained on the GPU", f"exit code {done.returncode} {done.stderr[-300:]}", done.returncode == 0)
    for words in (["sample", "latest", "--length", "40"], ["judge", "latest"]):
        done, _ = command(*words, folder=folder, hidden=True)
        said = (done.stdout + done.stderr).strip().replace("\n", " ")[:150]
        say(f"{words[0]} without a GPU", f"exit code {done.returncode}: {said}", done.returncode == 0)
    torch.cuda.set_per_process_memory_fraction(0.02)
    settings = ["training.batch_size=4096", "model.hidden_size=512", "compute.device=cuda"]
    experiment = load_training("adding", overrides=settings)
    task = build_task(experiment.task)
    try:
        with within_memory(experiment, task, model := model_of("lstm", task, hidden_size=512)):
            list(
                fit(
                    new_learner(model, settings_of(1, batch_size=4096)),
                    task,
                    settings_of(1, batch_size=4096),
                    1,
                )
            )
        say("too little memory", "it sufficed", False)
    except SeqlabError as error:
        say("too little memory", f"{error}", "batch_size=" in str(error.hint))
    torch.cuda.set_per_process_memory_fraction(1.0)


def command(*words: str, folder: str | None = None, hidden: bool = False) -> tuple[Any, str]:
    """Run the command line, in a folder of its own or one that was used before."""
    folder = folder or mkdtemp()
    there = {**os.environ, "SEQLAB_RUNS_DIR": folder} | ({"CUDA_VISIBLE_DEVICES": ""} if hidden else {})
    words = (sys.executable, "-m", "seqlab", *words)
    return subprocess.run(words, capture_output=True, text=True, env=there, check=False), folder


@part
def auto() -> None:
    """The fused engine on the processor beside the GPU, by size: what auto goes by."""
    cases = [("temporal-order", "lstm", units, ["task.difficulty=hard"]) for units in (12, 64, 192)]
    cases += [("char-shakespeare", "lstm", units, []) for units in (32, 64, 128, 256)]
    cases += [("char-shakespeare", "gru", units, []) for units in (128, 256)]
    for name, cell, units, words in cases:
        seconds = {}
        for engine, device in (("fused", "cpu"), ("cuda", "cuda")):
            more = [f"model.hidden_size={units}", f"training.engine={engine}", f"compute.device={device}",
                    "training.steps=100000", "training.evaluate_every=100000"]  # fmt: skip
            session = open_session(load_training(name, model=cell, overrides=[*words, *more]))
            engine_of(engine).make_ready()
            learner = new_learner(session.model, session.experiment.training)
            times = []
            for (step,) in engine_of(engine).fit(session.experiment, session.task, [learner], [1]):
                assert step is not None
                times.append(time.perf_counter())
                if step.step >= 64 and times[-1] > times[0] + 1.0 and step.step == learner.step:
                    break
            half = len(times) // 2
            seconds[engine] = (times[-1] - times[half]) / (len(times) - 1 - half)
        say(
            f"{name}, {cell} {units} ({count_parameters(session.model):,} parameters)",
            f"fused on {os.cpu_count()} processors {1e3 * seconds['fused']:.2f} ms, "
            f"GPU {1e3 * seconds['cuda']:.2f} ms, ratio {seconds['fused'] / seconds['cuda']:.2f}",
        )


@part
def start() -> None:
    """Seconds from the start of a process to the first training step, beyond those that torch takes."""
    code = (
        "import time; t = time.perf_counter(); import torch; torch.zeros(1, device='cuda'); u = time.perf_counter()\n"
        "from seqlab.configure import load_training\nfrom seqlab.session.opening import open_session\n"
        "from seqlab.engines import engine_of\nfrom seqlab.training import new_learner\n"
        "s = open_session(load_training('char-shakespeare', model='lstm', overrides=['compute.device=cuda']))\n"
        "e = engine_of(s.experiment.training.engine); v = time.perf_counter()\n"
        "next(e.fit(s.experiment, s.task, [new_learner(s.model, s.experiment.training)], [1]))\n"
        "w = time.perf_counter(); print(f'{u - t:.2f} {v - u:.2f} {w - v:.2f}')"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        if done.returncode:
            say("start", done.stderr[-500:], False)
            return
        loading, opening, first = map(float, done.stdout.split())
        say(
            "start",
            f"torch and its first number on the GPU {loading:.2f} s, opening {opening:.2f} s, first step {first:.2f} s",
            opening + first <= 3,
        )


@part
def sample() -> None:
    """64 texts side by side, on the GPU and on the processor."""
    task = text()
    for options in (
        {"hidden_size": 512, "layers": 3, "embedding_size": 512, "residual": True},
        {"hidden_size": 1024, "layers": 2},
    ):
        model, speed = model_of("lstm", task, **options).eval(), {}
        for name, device in (("gpu", GPU), ("cpu", torch.device("cpu"))):
            model.to(device)
            for length in (4, 200 if device is GPU else 40):
                began = time.perf_counter()
                generate_many(model, task.text("test")[:20], Sampling(length=length), 64)
                took = time.perf_counter() - began
            speed[name] = 64 * length / took
        say(
            f"64 texts of lstm {options}",
            ", ".join(f"{name} {each:,.0f} characters/s" for name, each in speed.items()),
        )


def main() -> None:
    """Run the parts that are named, or all; without a GPU say so, and run none."""
    unknown = [name for name in sys.argv[1:] if name.partition(":")[0] not in PARTS]
    if unknown:
        sys.exit(f"There is no part {', '.join(unknown)}. There are {', '.join(PARTS)}.")
    if not torch.cuda.is_available():
        print("There is no GPU of NVIDIA's here, so nothing was measured.")
        return
    prepare(os.cpu_count() or 1, GPU)
    print(
        f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {os.cpu_count()} processors", flush=True
    )
    for name in sys.argv[1:] or PARTS:
        began = time.perf_counter()
        try:
            kind, _, which = name.partition(":")
            PARTS[kind](*[which] * bool(which))
        except Exception:  # the other parts shall be run
            traceback.print_exc()
        print(f"-- {name}: {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
