"""The fused engine against a plain PyTorch loop: milliseconds per training step and seed, and their ratio.

    python benchmarks/fused.py [--quick]

The plain loop is what one would write: one-hot inputs, torch.nn.RNN, LSTM or GRU, a linear read-out,
cross-entropy, clipping, Adam. It is given one process of one thread for each processor, with denormal
numbers flushed to zero; the fused engine trains 10 seeds in one process. Both make their batches as they go,
and they take turns. A line shows the medians over the rounds, the ratio's least and greatest, and the ratio of
the processor time spent, which other work on the machine disturbs less.

In the lines "with validations" both judge 1024 sequences, made once, after every 20 steps.

The second table is of one run that has the machine to itself: a step of a character model of 65 symbols, 32
streams of 32 characters, the state carried, clipping, AdamW and averaged weights. Both use all processors. Here
the aim is a share of the plain loop's time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from seqlab.contracts import Batch, Spec, Split, torch_stream
from seqlab.fused import fit_together
from seqlab.models import build_model
from seqlab.runs.machine import processors
from seqlab.settings import Component, Training
from seqlab.tasks import Task
from seqlab.tasks.temporal_order import TemporalOrder
from seqlab.training import new_learner

SEEDS = 10
ROUNDS = 7
EVERY = 20
"""Steps between validations."""
SYMBOLS, STEPS = 65, 32
"""Of the character model: symbols, and characters between two updates."""

LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


@dataclass(frozen=True)
class Case:
    """One line of the table; ``steps`` are what the plain loop makes in a round."""

    level: str
    model: str
    hidden: int
    steps: int
    aim: float
    validations: bool = False

    @property
    def name(self) -> str:
        """What the line is called."""
        return f"{self.level} {self.model} {self.hidden}" + (", with validations" if self.validations else "")


CASES = (
    Case("easy", "lstm", 4, 200, 10),
    Case("easy", "lstm", 4, 200, 10, validations=True),
    Case("hard", "rnn", 12, 60, 10),
    Case("hard", "lstm", 12, 60, 3.5),
    Case("hard", "lstm", 12, 60, 3.5, validations=True),
    Case("hard", "gru", 12, 40, 20),
    Case("nightmare", "lstm", 12, 20, 4),
)


CHARACTERS = (
    ("rnn", 256, 0.5),
    ("lstm", 128, 0.8),
    ("lstm", 256, 0.8),
    ("lstm", 512, 0.8),
    ("gru", 256, 0.5),
)
"""Lines of the second table: model, units, aim."""


class Streams(Task):
    """As a character model learns from: every batch continues the one before. The characters are random."""

    spec = Spec("tokens", SYMBOLS, "classes", SYMBOLS, causal=True)
    stream = True

    def __init__(self) -> None:
        self.text = torch.randint(SYMBOLS, (32, 64 * STEPS + 1), generator=torch_stream(1, "characters"))

    def batch(self, split: Split, index: int, size: int, seed: int) -> Batch:
        begin = index % 64 * STEPS
        window = self.text[:size, begin : begin + STEPS + 1]
        return Batch(window[:, :-1].contiguous(), window[:, 1:].contiguous(), continues=index > 0)


class Plain(nn.Module):
    """What one would write in PyTorch."""

    def __init__(self, model: str, hidden: int) -> None:
        super().__init__()
        self.layer = LAYERS[model](8, hidden, batch_first=True)
        self.readout = nn.Linear(hidden, 4)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        x = F.one_hot(inputs.clamp(min=0), 8).float() * (inputs >= 0)[:, :, None]
        scores: torch.Tensor = self.readout(self.layer(x)[0][:, -1])
        return scores


def plain_loop(case: Case, seed: int) -> Callable[[int], None]:
    """Return a function that makes so many more steps."""
    torch.manual_seed(seed)
    task = TemporalOrder(difficulty=case.level)  # type: ignore[arg-type]
    model = Plain(case.model, case.hidden)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    held_out: list[Batch] = []
    done = 0

    def go(steps: int) -> None:
        nonlocal done
        for _ in range(steps):
            batch = task.batch("train", done, 32, seed)
            loss = F.cross_entropy(model(batch.inputs), batch.targets)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            done += 1
            if case.validations and done % EVERY == 0:
                held_out.extend([] if held_out else task.evaluation("validation", 1024, seed))
                with torch.no_grad():
                    [(model(batch.inputs).argmax(-1) == batch.targets).sum().item() for batch in held_out]

    return go


def plain_characters(model: str, hidden: int) -> Callable[[int], None]:
    """Return a function that makes so many more steps of a character model."""
    task, layer, readout = (
        Streams(),
        LAYERS[model](SYMBOLS, hidden, batch_first=True),
        nn.Linear(hidden, SYMBOLS),
    )
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


def measure_characters(model: str, hidden: int, aim: float, rounds: int) -> str:
    """Let the two take turns and return the line."""
    plain, fused = plain_characters(model, hidden), fused_characters(model, hidden)
    plain(4)
    fused(16)
    turns = [(clock(quiet(plain), 4, 1)[0], clock(quiet(fused), 4, 1)[0]) for _ in range(2 * rounds)]
    shares = sorted(b / a for a, b in turns)
    torch_ms, fused_ms = (statistics.median(times) for times in zip(*turns, strict=True))
    return (
        f"{f'characters {model} {hidden}':<33}{torch_ms:>10.1f}{fused_ms:>10.1f}"
        f"{statistics.median(shares):>8.2f}{f'{shares[0]:.2f} to {shares[-1]:.2f}':>18}{aim:>16}"
    )


def quiet(work: Callable[[int], None]) -> Callable[[int], float]:
    """Return the work as :func:`clock` takes it, without the processor time."""

    def go(steps: int) -> float:
        work(steps)
        return 0.0

    return go


def serve(case: Case, seed: int, asked: Connection) -> None:
    """Run in a process of its own: make as many steps as asked for, and say what processor time they took."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    go = plain_loop(case, seed)
    while steps := asked.recv():
        started = time.process_time()
        go(steps)
        asked.send(time.process_time() - started)


def fused_loop(case: Case) -> Callable[[int], None]:
    """Return a function that makes so many more steps of all seeds."""
    task = TemporalOrder(difficulty=case.level)  # type: ignore[arg-type]
    every = EVERY if case.validations else 10**6
    settings = Training(
        steps=10**6, learning_rate=1e-2, decay=0.999, evaluate_every=every, evaluation_sequences=1024,
        checkpoint_every=10**6,
    )  # fmt: skip
    component = Component(name=case.model, hidden_size=case.hidden)
    seeds = range(1, SEEDS + 1)
    learners = [new_learner(build_model(component, task.spec, seed), settings) for seed in seeds]
    steps = fit_together(learners, task, settings, seeds, ahead=EVERY)

    def go(count: int) -> None:
        for _ in range(count):
            next(steps)

    return go


def measure(case: Case, rounds: int) -> str:
    """Let the two take turns and return the line."""
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
    turns = [(*clock(plain, case.steps, len(pipes)), *clock(fused, 2 * EVERY, SEEDS)) for _ in range(rounds)]
    for pipe, worker in zip(pipes, workers, strict=True):
        pipe.send(0)
        worker.join()
    torch_ms, torch_cpu, fused_ms, fused_cpu = zip(*turns, strict=True)
    ratios = sorted(a / b for a, b in zip(torch_ms, fused_ms, strict=True))
    spread = f"{ratios[0]:.1f} to {ratios[-1]:.1f}"
    cpu = statistics.median(a / b for a, b in zip(torch_cpu, fused_cpu, strict=True))
    return (
        f"{case.name:<33}{statistics.median(torch_ms):>10.3f}{statistics.median(fused_ms):>10.4f}"
        f"{statistics.median(ratios):>8.1f}{spread:>18}{cpu:>10.1f}{case.aim:>6}"
    )


def clock(work: Callable[[int], float], steps: int, seeds: int) -> tuple[float, float]:
    """Return the milliseconds, and those of the processors, that a step of one seed takes."""
    started = time.perf_counter()
    cpu = work(steps)
    share = 1e3 / (steps * seeds)
    return (time.perf_counter() - started) * share, cpu * share


def main() -> None:
    parser = argparse.ArgumentParser(description="The fused engine against a plain PyTorch loop.")
    parser.add_argument("--quick", action="store_true", help="three rounds each")
    rounds = 3 if parser.parse_args().quick else ROUNDS
    print(f"{processors()} processors, {SEEDS} seeds, batches of 32, {rounds} rounds; ms per step and seed")
    print(f"{'':<33}{'torch':>10}{'fused':>10}{'ratio':>8}{'least to most':>18}{'cpu ratio':>10}{'aim':>6}")
    for case in CASES:
        print(measure(case, rounds), flush=True)
    torch.set_num_threads(processors())
    print(
        f"\n{'one run on all processors':<33}{'torch':>10}{'fused':>10}{'share':>8}{'least to most':>18}{'aim':>16}"
    )
    for model, hidden, aim in CHARACTERS:
        print(measure_characters(model, hidden, aim, rounds), flush=True)


if __name__ == "__main__":
    main()
