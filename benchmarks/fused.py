"""The fused engine against a plain PyTorch loop: what it must, ought to and does reach.

    python benchmarks/fused.py [--quick] [--only steps|characters|commands]

The first table is of training steps: milliseconds per step and seed, and their ratio. The plain loop
(plain.py) is given one process of one thread for each processor; the fused engine trains several seeds in one
process. Both make their batches as they go, and they take turns. A line shows medians over the rounds, the
ratio's least and greatest, and the ratio of the processor time spent, which other work on the machine disturbs
less. In the lines "with validations" both judge 1024 sequences, made once, after every 20 steps.

The second is of a step of a character model that has the machine to itself: 65 symbols, 32 streams of 32
characters, the state carried, clipping, AdamW and averaged weights. Both use all processors. Here what must be
reached is a share of the plain loop's time.

The third is of whole commands from start to table: seconds, of 10 seeds that make 3,000 steps each, beside a
program of the plain loop in as many processes as there are processors, with all that a process needs before its
first step. That of all three models is set against one program that trains them all. As it is shipped, the
experiment stops when it is solved, at the level easy after some 80 steps: then either is mostly start-up.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from plain import EVERY, JUDGED, LAYERS, one_thread, plain_loop
from torch import nn

from seqlab.contracts import Batch, Spec, Split, torch_stream
from seqlab.fused import fit_together, make_ready
from seqlab.models import build_model
from seqlab.runs.machine import processors
from seqlab.settings import Component, Training
from seqlab.tasks import Task
from seqlab.tasks.lags.temporal_order import TemporalOrder
from seqlab.training import new_learner

ROUNDS = 7
SEEDS = 10
STEPS = 3000
"""Of a run in a whole command."""
SYMBOLS, WINDOW = 65, 32
"""Of the character model: symbols, and characters between two updates."""
HEADING = f"{'must':>7}{'aim':>6}{'measured':>10}{'least to most':>18}"


@dataclass(frozen=True)
class Case:
    """One line of the first table; ``steps`` are what the plain loop makes in a round."""

    level: str
    model: str
    hidden: int
    steps: int
    must: float
    aim: float
    seeds: int = SEEDS
    validations: bool = False

    @property
    def name(self) -> str:
        """What the line is called."""
        return f"{self.level} {self.model} {self.hidden}" + (", with validations" if self.validations else "")


CASES = (
    Case("easy", "lstm", 4, 200, 10, 40),
    Case("easy", "lstm", 4, 200, 10, 40, validations=True),
    Case("hard", "rnn", 12, 60, 10, 25),
    Case("hard", "lstm", 12, 60, 3.5, 7),
    Case("hard", "lstm", 12, 60, 3.5, 7, validations=True),
    Case("hard", "gru", 12, 40, 20, 40),
    Case("nightmare", "lstm", 12, 20, 4, 6, seeds=5),
)
CHARACTERS = (
    ("rnn", 256, 0.5),
    ("lstm", 128, 0.8),
    ("lstm", 256, 0.8),
    ("lstm", 512, 0.8),
    ("gru", 256, 0.5),
)
"""Lines of the second table: model, units, aim; each must be 1.05 at most."""


class Streams(Task):
    """As a character model learns from: every batch continues the one before. The characters are random."""

    spec = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)
    stream = True

    def __init__(self) -> None:
        self.text = torch.randint(SYMBOLS, (32, 64 * WINDOW + 1), generator=torch_stream(1, "characters"))

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        begin = index % 64 * WINDOW
        window = self.text[:size, begin : begin + WINDOW + 1]
        return Batch(window[:, :-1].contiguous(), window[:, 1:].contiguous(), continues=index > 0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The fused engine against a plain PyTorch loop.")
    parser.add_argument("--quick", action="store_true", help="three rounds each")
    parser.add_argument("--only", choices=("steps", "characters", "commands"), help="one of the tables")
    given = parser.parse_args()
    rounds = 3 if given.quick else ROUNDS
    make_ready(print)
    print(f"{processors()} processors, {rounds} rounds")
    if given.only in (None, "steps"):
        print(f"\n{'ms per step and seed, 32 a batch':<33}{'torch':>9}{'fused':>9}{HEADING}{'cpu ratio':>11}")
        for case in CASES:
            print(measure(case, rounds), flush=True)
    torch.set_num_threads(processors())
    if given.only in (None, "characters"):
        print(f"\n{'ms per step, one run':<33}{'torch':>9}{'fused':>9}{HEADING}")
        for model, hidden, aim in CHARACTERS:
            print(measure_characters(model, hidden, aim, rounds), flush=True)
    if given.only in (None, "commands"):
        print(f"\n{f's, {STEPS} steps of {SEEDS} seeds':<33}{'torch':>9}{'seqlab':>9}{HEADING}")
        measure_commands(rounds)


def measure(case: Case, rounds: int) -> str:
    """Let the plain loop and the fused engine take turns and return the line."""
    context = multiprocessing.get_context("spawn")
    pipes, workers = [], []
    for seed in range(processors()):
        ours, theirs = context.Pipe()
        workers.append(context.Process(target=serve, args=(case, seed, theirs), daemon=True))
        workers[-1].start()
        pipes.append(ours)

    def plain(steps: int) -> float:
        for pipe in pipes:
            pipe.send(steps)
        return sum(pipe.recv() for pipe in pipes)

    advance = fused_loop(case)

    def fused(steps: int) -> float:
        started = time.process_time()
        advance(steps)
        return time.process_time() - started

    plain(EVERY)
    fused(2 * EVERY)
    turns = [
        (*clock(plain, case.steps, len(pipes)), *clock(fused, 2 * EVERY, case.seeds)) for _ in range(rounds)
    ]
    for pipe, worker in zip(pipes, workers, strict=True):
        pipe.send(0)
        worker.join()
    torch_ms, torch_cpu, fused_ms, fused_cpu = zip(*turns, strict=True)
    cpu = statistics.median(a / b for a, b in zip(torch_cpu, fused_cpu, strict=True))
    return line(case.name, torch_ms, fused_ms, case.must, case.aim) + f"{cpu:>11.1f}"


def line(name: str, plain: Sequence[float], ours: Sequence[float], must: float, aim: float) -> str:
    """Return a line of a table: two times, and the ratio of the plain loop's to ours in the same round."""
    ratios = sorted(a / b for a, b in zip(plain, ours, strict=True))
    spread = f"{ratios[0]:.1f} to {ratios[-1]:.1f}"
    times = f"{statistics.median(plain):>9.3g}{statistics.median(ours):>9.3g}"
    return f"{name:<33}{times}{must:>7}{aim:>6}{statistics.median(ratios):>10.1f}{spread:>18}"


def serve(case: Case, seed: int, asked: Connection) -> None:
    """Run in a process of its own: make as many steps as asked for, and say what processor time they took."""
    one_thread()
    go = plain_loop(case.level, case.model, case.hidden, seed, judge=case.validations)
    while steps := asked.recv():
        started = time.process_time()
        go(steps)
        asked.send(time.process_time() - started)


def fused_loop(case: Case) -> Callable[[int], None]:
    """Return a function that makes so many more steps of all seeds."""
    task = TemporalOrder(difficulty=case.level)  # type: ignore[arg-type]
    every = EVERY if case.validations else 10**6
    settings = Training(
        steps=10**6, learning_rate=1e-2, decay=0.999, evaluate_every=every, evaluation_sequences=JUDGED,
        checkpoint_every=10**6,
    )  # fmt: skip
    component = Component(name=case.model, hidden_size=case.hidden)
    seeds = range(1, case.seeds + 1)
    learners = [new_learner(build_model(component, task.spec, seed), settings) for seed in seeds]
    steps = fit_together(learners, task, settings, seeds, ahead=EVERY)

    def go(count: int) -> None:
        for _ in range(count):
            next(steps)

    return go


def clock(work: Callable[[int], float], steps: int, seeds: int) -> tuple[float, float]:
    """Return the milliseconds, and those of the processors, that a step of one seed takes."""
    started = time.perf_counter()
    cpu = work(steps)
    share = 1e3 / (steps * seeds)
    return (time.perf_counter() - started) * share, cpu * share


def measure_characters(model: str, hidden: int, aim: float, rounds: int) -> str:
    """Let the two take turns and return the line; the ratio is the share of the plain loop's time."""
    plain, fused = plain_characters(model, hidden), fused_characters(model, hidden)
    plain(4)
    fused(16)
    turns = [(milliseconds(plain, 4), milliseconds(fused, 4)) for _ in range(2 * rounds)]
    shares = sorted(b / a for a, b in turns)
    torch_ms, fused_ms = (statistics.median(times) for times in zip(*turns, strict=True))
    return (
        f"{f'characters {model} {hidden}':<33}{torch_ms:>9.1f}{fused_ms:>9.1f}{1.05:>7}{aim:>6}"
        f"{statistics.median(shares):>10.2f}{f'{shares[0]:.2f} to {shares[-1]:.2f}':>18}"
    )


def milliseconds(work: Callable[[int], None], steps: int) -> float:
    """Return what a step takes."""
    started = time.perf_counter()
    work(steps)
    return 1e3 * (time.perf_counter() - started) / steps


def plain_characters(model: str, hidden: int) -> Callable[[int], None]:
    """Return a function that makes so many more steps of a character model."""
    task, layer = Streams(), LAYERS[model](SYMBOLS, hidden, batch_first=True)
    readout = nn.Linear(hidden, SYMBOLS)
    weights = [*layer.parameters(), *readout.parameters()]
    averaged = [weight.detach().clone() for weight in weights]
    optimizer = torch.optim.AdamW(weights, 1e-3, fused=True)
    state: Any = None
    done = 0

    def go(steps: int) -> None:
        nonlocal state, done
        for _ in range(steps):
            batch = task.batch("train", done, 32, 1)
            h, state = layer(F.one_hot(batch.inputs, SYMBOLS).float(), state)
            state = tuple(part.detach() for part in state) if model == "lstm" else state.detach()
            loss = F.cross_entropy(readout(h).flatten(0, 1), batch.targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            with torch.no_grad():
                torch._foreach_lerp_(averaged, list(weights), 0.01)
            loss.item()
            done += 1

    return go


def fused_characters(model: str, hidden: int) -> Callable[[int], None]:
    """Return a function that makes so many more steps of a character model."""
    task = Streams()
    settings = Training(
        steps=10**6, optimizer="adamw", learning_rate=1e-3, averaging=0.99, evaluate_every=10**6,
        checkpoint_every=10**6,
    )  # fmt: skip
    learner = new_learner(build_model(Component(name=model, hidden_size=hidden), task.spec, 1), settings)
    steps = fit_together([learner], task, settings, [1], ahead=4)

    def go(count: int) -> None:
        for _ in range(count):
            next(steps)

    return go


def measure_commands(rounds: int) -> None:
    """Time whole commands beside programs of the plain loop, and print a line for each."""
    fixed = ("training.stop_when={}", f"training.steps={STEPS}", f"training.evaluation_sequences={JUDGED}")
    easy = ("--difficulty", "easy", "--seeds", str(SEEDS), "model.hidden_size=4", *fixed)
    hard = ("--difficulty", "hard", "--seeds", "20")
    compared("rnn", *easy)  # so that byte code and compiled kernels are there
    nothing = [program("rnn", 0) for _ in range(rounds)]
    plain, ours = {}, {}
    for model in LAYERS:
        turns = [(program(model, STEPS), compared(model, *easy)) for _ in range(rounds)]
        plain[model], ours[model] = zip(*turns, strict=True)
        print(line(f"compare {model}, easy", plain[model], ours[model], 10, 40), flush=True)
    start = statistics.median(nothing)
    whole = [sum(times) - (len(plain) - 1) * start for times in zip(*plain.values(), strict=True)]
    together = [compared(*LAYERS, *easy) for _ in range(rounds)]
    print(line("compare rnn lstm gru, easy", whole, together, 10, 40))
    print(f"{'of it, a program without a step':<33}{start:>9.3g}", flush=True)
    seconds = sorted(compared("rnn", "lstm", *hard) for _ in range(rounds))
    spread = f"{seconds[0]:.1f} to {seconds[-1]:.1f}"
    print(f"\n{'s':<51}{HEADING}")
    print(
        f"{'compare rnn lstm, hard, 20 seeds':<51}{60:>7}{25:>6}{statistics.median(seconds):>10.1f}{spread:>18}"
    )


def program(model: str, steps: int) -> float:
    """Return the seconds of the plain loop's program, with its seeds dealt out to a process a processor."""
    script = str(Path(__file__).with_name("plain.py"))
    shares = [range(1 + k, SEEDS + 1, processors()) for k in range(processors())]
    started = time.perf_counter()
    running = [
        subprocess.Popen(
            [sys.executable, script, "easy", model, "4", str(steps), *map(str, seeds)],
            stdout=subprocess.DEVNULL,
        )
        for seeds in shares
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        sys.exit(f"{script} failed")
    return time.perf_counter() - started


def compared(*words: str) -> float:
    """Return the seconds that `seqlab compare` takes to its table, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "SEQLAB_RUNS_DIR": folder}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its byte code
        command = [sys.executable, "-m", "seqlab", "compare", *words, "--quiet"]
        started = time.perf_counter()
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            process.stdout.readline()
            seconds = time.perf_counter() - started
            process.stdout.read()
        if process.returncode:
            sys.exit(f"{' '.join(command)} failed")
        return seconds


if __name__ == "__main__":
    main()
