"""How nearly a run was reproduced, on runs written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from seqlab.analysis.reproduction import compare_runs
from seqlab.errors import RunFolderError
from seqlab.runs import Run, create_run

Make = Callable[..., Run]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))

    def make_run(
        losses: tuple[float, ...] = (0.5, 0.25),
        accuracy: float | None = 0.75,
        weight: float = 1.0,
        shape: tuple[int, ...] = (3,),
        **extra: Any,
    ) -> Run:
        run = create_run("hello", "rnn", 1, command="", config_text="seed: 1\n", extra=extra)
        for step, loss in enumerate(losses, 1):
            run.append_metrics({"step": 20 * step, "loss": loss})
        # no two runs take the same time
        run.write_summary({"held_out": {"accuracy": accuracy}, "wall_seconds": hash(run.id) % 1000})
        safetensors.torch.save_file(
            {"W": torch.full(shape, weight), "none": torch.empty(0)}, run.best_weights
        )
        run.update_info(status="finished")
        return run

    return make_run


def test_the_same_to_the_bit_but_for_the_time(make: Make) -> None:
    outcome = compare_runs(make(identity={"code": "a"}), make(identity={"code": "b"}))
    assert outcome.to_the_bit
    assert outcome.verdict(0.0) == "reproduced to the bit"
    assert outcome.environment == {"code": ("a", "b")}


@pytest.mark.parametrize(
    ("changed", "distance", "furthest", "weights"),
    [
        ({"losses": (0.5, 0.2502)}, 2e-4, "step 40: loss is 0.25 in the first and 0.2502 in the second", 0.0),
        ({"accuracy": 0.7}, 0.05, "held_out.accuracy is 0.75 in the first and 0.7 in the second", 0.0),
        ({"losses": (200.0, 0.25)}, 0.9975, "step 20: loss is 0.5 in the first and 200.0 in the second", 0.0),
        ({"weight": 1.5}, 0.0, "", 0.5),
        ({"shape": (4,)}, 0.0, "", None),
    ],
)
def test_how_far_apart(
    changed: dict[str, Any], distance: float, furthest: str, weights: float | None, make: Make
) -> None:
    outcome = compare_runs(make(), make(**changed))
    assert not outcome.to_the_bit
    assert outcome.distance == pytest.approx(distance)
    assert outcome.furthest == furthest
    assert outcome.weights == weights
    if distance:
        assert not outcome.is_within(0.99 * distance)
        assert outcome.verdict(0.99 * distance) == f"not reproduced: {furthest}"
    assert outcome.is_within(1.01 * distance)
    within = f"reproduced within {distance:.2g}"
    assert outcome.verdict(1.01 * distance) == (
        within if distance else "reproduced in every figure, though not in the weights"
    )


@pytest.mark.parametrize(
    ("changed", "furthest"),
    [
        (
            {"losses": (0.5,)},
            "the length of metrics.jsonl is 2 lines in the first and 1 lines in the second",
        ),
        ({"losses": (0.5, float("nan"))}, "step 40: loss is 0.25 in the first and None in the second"),
        ({"accuracy": None}, "held_out.accuracy is 0.75 in the first and None in the second"),
    ],
)
def test_what_is_missing_is_never_reproduced(changed: dict[str, Any], furthest: str, make: Make) -> None:
    outcome = compare_runs(make(), make(**changed))
    assert outcome.verdict(1e9) == f"not reproduced: {furthest}"


def test_a_run_without_a_summary_cannot_be_compared(make: Make) -> None:
    run = make()
    run.summary_path.unlink()
    with pytest.raises(RunFolderError, match="is not finished"):
        compare_runs(make(), run)
