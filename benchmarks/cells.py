"""Forward and backward time of each cell: its fast path, its step form, and PyTorch's own layer.

    python benchmarks/cells.py
    python benchmarks/cells.py --batch 32 --steps 64 --hidden 512 --symbols 65
    python benchmarks/cells.py --models --batch 32 --steps 64 --hidden 64

The three take turns within one run and the median of each counts. With one thread (the default) it is
processor time that is measured, so that the ratios hold on a busy machine; with more it is time by the clock.

--models measures instead a step of training, without the optimiser, of every model of one layer that learns by
gradient, each in turn with a gru of the same hidden_size.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqlab.constructors import options_model
from seqlab.contracts import Spec, torch_stream
from seqlab.models import Cell, build_model, count_parameters
from seqlab.registry import load, names
from seqlab.settings import Component

CELLS = {
    "rnn": ("rnn", {}, nn.RNN),
    "lstm": ("lstm", {}, nn.LSTM),
    "gru, reset after": ("gru", {"reset": "after"}, nn.GRU),
    "gru, reset before": ("gru", {"reset": "before"}, None),
    "lstm, coupled": ("lstm", {"coupled": True}, None),
    "lstm, peepholes": ("lstm", {"peepholes": True}, None),
    **{
        name: (name, {}, None)
        for name in (
            "janet", "mut1", "mut2", "mut3", "indrnn", "clockwork", "multiplicative-rnn", "multiplicative-lstm",
            "hyper-rnn", "mingru", "minlstm",
        )
    },
}  # fmt: skip
Ways = dict[str, Callable[[], Tensor]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=110)
    parser.add_argument("--hidden", type=int, default=12)
    parser.add_argument("--symbols", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--double", action="store_true", help="float64 instead of float32")
    parser.add_argument("--models", action="store_true", help="whole models against a gru")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"batch {options.batch}, {options.steps} steps, {options.hidden} units, {options.symbols} symbols, "
        f"{'float64' if options.double else 'float32'}, threads: {options.threads}, torch {torch.__version__}"
    )
    if options.models:
        return measure_models(options)
    print(f"{'':<20}{'fast ms':>10}{'steps ms':>10}{'torch ms':>10}{'steps/fast':>12}{'torch/fast':>12}")
    for title, (name, settings, layer) in CELLS.items():
        cell: Cell = load("model", name)(options.symbols, options.hidden, **settings)
        cell.initialise(torch_stream(1, "weights"))
        times = measure(ways(cell, layer, options), options.repeats)
        fast, steps, torchs = (times.get(way) for way in ("fast", "steps", "torch"))
        print(f"{title:<20}{_ms(fast)}{_ms(steps)}{_ms(torchs)}{_ratio(steps, fast)}{_ratio(torchs, fast)}")
    return None


OTHERWISE = ("counts", "guesses", "needs_context")
"""What models have that do not learn from symbols alone, by gradient; they are left out."""


def measure_models(options: argparse.Namespace) -> None:
    """Let every model take turns with a gru, and print a line for each."""
    spec = Spec("tokens", options.symbols, "classes", options.symbols, causal=True)
    x = torch.randint(0, options.symbols, (options.batch, options.steps), generator=torch_stream(1, "inputs"))

    def reader(name: str) -> tuple[Callable[[], Tensor], int]:
        cls = load("model", name)
        size = cls.nearest_size(options.hidden)
        layers = {"layers": 1} if "layers" in options_model(cls).model_fields else {}
        model = build_model(Component(name=name, hidden_size=size, **layers), spec, 1)
        return (lambda: model(x)[0]), count_parameters(model)

    gru, _ = reader("gru")
    print(f"{'':<22}{'parameters':>12}{'ms':>10}{'of a gru, ms':>14}{'ratio':>8}")
    for name in names("model"):
        cls = load("model", name)
        if "tokens" not in cls.reads or any(getattr(cls, other, None) for other in OTHERWISE):
            continue
        read, parameters = reader(name)
        times = measure({"it": read, "gru": gru}, options.repeats)
        ratio = times["it"] / times["gru"]
        print(
            f"{name:<22}{parameters:>12,}{_ms(times['it'])}{_ms(times['gru']):>14}{ratio:>8.1f}", flush=True
        )


def ways(cell: Cell, layer: Callable[..., nn.Module] | None, options: argparse.Namespace) -> Ways:
    """Return the ways to read the same symbols, each giving h at every step."""
    dtype = torch.float64 if options.double else torch.float32
    cell.to(dtype)
    x = torch.randint(0, options.symbols, (options.batch, options.steps), generator=torch_stream(1, "inputs"))
    found: Ways = {
        "fast": lambda: cell(x, cell.start(options.batch))[0],
        "steps": lambda: cell.steps(x, cell.start(options.batch))[0],
    }
    if layer is not None:
        module = layer(options.symbols, options.hidden, batch_first=True).to(dtype)
        found["torch"] = lambda: module(F.one_hot(x, options.symbols).to(dtype))[0]
    return found


def measure(ways: Ways, repeats: int) -> dict[str, float]:
    """Return the median seconds of a forward and backward pass of each way, measured in turns."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    times: dict[str, list[float]] = {way: [] for way in ways}
    for repeat in range(repeats + 2):
        for way, read in ways.items():
            begin = clock()
            read().square().mean().backward()
            if repeat >= 2:  # the first two warm up
                times[way].append(clock() - begin)
    return {way: statistics.median(taken) for way, taken in times.items()}


def _ms(seconds: float | None) -> str:
    return f"{'-' if seconds is None else f'{1000 * seconds:.1f}':>10}"


def _ratio(one: float | None, other: float | None) -> str:
    return f"{'-' if one is None or other is None else f'{one / other:.2f}':>12}"


if __name__ == "__main__":
    main()
