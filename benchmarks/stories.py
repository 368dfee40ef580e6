"""The twenty kinds of stories: memory networks and an LSTM, with 1,000 and with 10,000 questions.

    python benchmarks/stories.py [KIND ...] [--restarts N] [--columns 1k 10k lstm]

With 1,000 questions a memory network is trained up to so many times from other weights, until one makes no error
on the validation set, of 100 questions; the best there is judged on the test set, as Sukhbaatar et al. 2015 do.
With 10,000, and the LSTM, it is trained once. Runs are kept in SEQLAB_RUNS_DIR (default: a temporary folder).
Seconds are of all restarts.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time

from seqlab.configure import load_settings
from seqlab.session import begin, train
from seqlab.settings import TrainExperiment

COLUMNS = {
    "1k": ("stories", ["task.questions=1000"]),
    "10k": ("stories", []),
    "lstm": ("stories-lstm", ["task.questions=1000"]),
    "lstm10k": ("stories-lstm", []),
}
PASSED = 0.05


def best_of(column: str, kind: int, restarts: int) -> tuple[float, float, int]:
    """Return the validation and the test error of the restart that is best on validation, and how many were.

    Of equal ones it is that of the least validation loss.
    """
    name, words = COLUMNS[column]
    found = []
    for seed in range(1, restarts + 1):
        experiment, _ = load_settings(name, overrides=[f"task.story={kind}", *words], seed=seed)
        assert isinstance(experiment, TrainExperiment)
        run, session = begin(experiment, command="benchmarks/stories.py")
        summary = train(run, session)
        (best,) = (
            line
            for line in run.metrics()
            if line["step"] == summary["best_step"] and "validation_loss" in line
        )
        error = 1 - best["validation_accuracy"]
        found.append((error, best["validation_loss"], 1 - summary["held_out"]["accuracy"]))
        if error == 0:
            break
    validation, _, test = min(found)
    return validation, test, len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("kinds", nargs="*", type=int, default=[])
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--columns", nargs="+", choices=list(COLUMNS), default=["1k", "10k", "lstm"])
    arguments = parser.parse_args()
    os.environ.setdefault("SEQLAB_RUNS_DIR", tempfile.mkdtemp())
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    for column in arguments.columns:
        errors = []
        for kind in arguments.kinds or range(1, 21):
            begun = time.perf_counter()
            validation, error, tried = best_of(column, kind, arguments.restarts if column == "1k" else 1)
            errors.append(error)
            print(
                f"{column} kind {kind}: error {error:.1%} (validation {validation:.1%}), "
                f"best of {tried}, {time.perf_counter() - begun:.0f} s",
                flush=True,
            )
        failed = sum(error > PASSED for error in errors)
        print(
            f"== {column}: mean error {sum(errors) / len(errors):.1%}, failed {failed} of {len(errors)}\n",
            flush=True,
        )


if __name__ == "__main__":
    main()
