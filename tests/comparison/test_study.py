"""Runs of a comparison: reused, resumed, tried again, alike alone and in company, and whole when one dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seqlab.comparison.budgets import FILE
from seqlab.comparison.design import Design, draw_up
from seqlab.comparison.entries import Entry, entries_of
from seqlab.comparison.study import conclude, learning_curves, share_out, study
from seqlab.comparison.wording import table
from seqlab.comparison.workers import Update
from seqlab.errors import RunFailedError, SettingsError
from seqlab.plugins import admit
from seqlab.runs import Run, list_runs
from seqlab.session import begin, train

SMALL = ("model.hidden_size=4", "training.steps=12", "training.evaluate_every=6",
         "training.evaluation_sequences=16", "training.test_sequences=32")  # fmt: skip


@pytest.fixture(autouse=True)
def _runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))


def entries(*models: str, seeds: int = 2, **design: Any) -> list[Entry]:
    words = (*SMALL, *design.pop("overrides", ()))
    overrides = tuple({word.partition("=")[0]: word for word in words}.values())
    wish = Design(
        design.pop("on", "temporal-order"), models, tuple(range(1, seeds + 1)), overrides=overrides, **design
    )
    return entries_of(draw_up(wish).entrants, wish.seeds)


def carry_out(entries: list[Entry], **options: Any) -> tuple[list[Entry], list[Update]]:
    said: list[Update] = []
    finished = study(entries, processes=2, on_update=lambda entry, update: said.append(update), **options)
    return finished, said


def test_what_is_finished_is_reused_and_what_was_interrupted_or_failed_is_not() -> None:
    first, said = carry_out(entries("rnn", "lstm"))
    assert [update.kind for update in said].count("finished") == 4
    again, said = carry_out(entries("rnn", "lstm", seeds=3))
    assert [item.reused for item in again] == [True] * 4 + [False] * 2
    assert [update.kind for update in said].count("reused") == 4
    assert [item.run for item in again[:4]] == [item.run for item in first]

    run = first[0].run
    assert run is not None
    run.update_info(status="failed")
    run.summary_path.unlink()
    third, _ = carry_out(entries("rnn", "lstm", seeds=3))
    assert [item.reused for item in third] == [False] + [True] * 5
    assert third[0].run != run
    fourth, _ = carry_out(entries("rnn", "lstm", seeds=3))  # the failed run still lies there
    assert [item.reused for item in fourth] == [True] * 6
    assert fourth[0].run == third[0].run


def test_an_interrupted_run_is_gone_on_with_to_the_same_end() -> None:
    wanted = entries("lstm", seeds=1, overrides=("training.checkpoint_every=4",))
    (whole,), _ = carry_out(wanted)
    run, session = begin(wanted[0].experiment, command="")

    class StopError(Exception):
        pass

    def stop(step: Any) -> None:
        if step.step == 7:
            raise StopError

    with pytest.raises(RunFailedError, match="failed: StopError"):
        train(run, session, watch=stop)
    run.update_info(status="interrupted")
    assert whole.run is not None
    whole.run.update_info(status="failed")
    (resumed,), _ = carry_out(wanted)
    assert resumed.run == run
    assert run.metrics_path.read_bytes() == whole.run.metrics_path.read_bytes()


def test_a_run_in_company_equals_the_run_alone_and_models_meet_the_same_data() -> None:
    wanted = entries("lstm", "lstm[forget_bias=1]", "rnn")
    finished, _ = carry_out(wanted)
    run, session = begin(wanted[3].experiment.model_copy(update={"summary": "alone"}), command="")
    train(run, session)
    company = finished[3].run
    assert company is not None
    assert (finished[3].label, finished[3].experiment.seed) == ("lstm", 2)
    assert company.metrics_path.read_bytes() == run.metrics_path.read_bytes()
    curves = learning_curves(finished, "accuracy")
    assert curves["lstm"] == curves["lstm[forget_bias=1]"]  # two names for one model
    assert curves["lstm"] != curves["rnn"]


DIES = """
import os, torch
from seqlab.models import Cell, Input
class Dies(Cell):
    '''Ends its process at the second step in training.'''
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)
    def step(self, x, state):
        if torch.is_grad_enabled() and self.input.weight.grad is not None:
            os._exit(7)
        return (torch.tanh(self.input(x) + state[0]),)
"""


def test_a_worker_that_dies_is_reported_and_its_neighbours_finish(tmp_path: Path) -> None:
    file = tmp_path / "dies.py"
    file.write_text(DIES)
    admit(str(file))
    finished, said = carry_out(entries(str(file), "rnn"), plugins=[str(file)])
    outcome = {model.model: model for model in conclude(finished).models}
    assert (outcome[str(file)].failed, outcome["rnn"].failed, outcome["rnn"].runs) == (2, 0, 2)
    assert [item.failure for item in finished if item.failure] == ["its process died (exit code 7)"] * 2
    assert [update.kind for update in said].count("failed") == 2
    assert sorted(entry.status for entry in list_runs()) == ["finished"] * 2 + ["interrupted"] * 2
    file.write_text(DIES.replace("os._exit(7)", "pass"))  # mended: another fingerprint, so begun anew
    admit(str(file))
    finished, _ = carry_out(entries(str(file), "rnn"), plugins=[str(file)])
    assert [item.failure for item in finished] == [None] * 4


def test_seeds_of_a_model_are_shared_out_among_the_processes() -> None:
    pytest.importorskip("numba")
    wanted = entries("rnn", "mingru", seeds=3)
    shares = [list(runs) for runs in share_out(dict(enumerate(wanted)), 2)]
    assert shares == [[0, 4], [1], [2], [3], [5]]  # rnn on seeds 1 and 3, and on 2; the other one by one


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_worker_takes_its_own_company_only_and_all_go_on_later() -> None:
    pytest.importorskip("numba")
    slow = entries("rnn", seeds=4, overrides=("training.steps=100000", "training.checkpoint_every=50"))
    wanted = [*slow, *entries("lstm")]
    killed: set[int] = set()

    def kill(entry: Entry, update: Update) -> None:
        if update.kind == "began" and entry.label == "rnn":
            began[entry.experiment.seed] = Run(Path(update.facts["path"]))
        if update.kind == "step" and entry.label == "rnn" and len(killed) < 2:
            pid = began[entry.experiment.seed].info().pid
            assert pid is not None
            if pid not in killed and entry.experiment.seed in (1, 2):
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)

    began: dict[int, Run] = {}
    finished = study(wanted, processes=2, on_update=kill)
    failures = {(item.label, item.experiment.seed): item.failure for item in finished}
    assert {seed for (label, seed), why in failures.items() if why and label == "rnn"} == {1, 2, 3, 4}
    assert failures["rnn", 1] == "its process died (exit code -9)"
    assert [failures["lstm", seed] for seed in (1, 2)] == [None, None]
    assert all(run.info().status == "interrupted" for run in began.values())


def test_a_model_that_counts_is_put_to_every_trial() -> None:
    small = ("task.corpus=miniature", "task.period=16", "training.batch_size=4", "training.steps=12")
    wish = Design("char-shakespeare", ("lstm[hidden_size=4]", "ngram[order=3]"), (1,), overrides=small)
    finished, _ = carry_out(entries_of(draw_up(wish).entrants, wish.seeds))
    result = conclude(finished)
    lstm, ngram = result.models
    assert result.metric_name == "nats/char (stream)"
    assert list(ngram.further) == ["nats/char (block-256)", "nats/char (block-64)"]
    assert finished[1].summary is not None
    figures = finished[1].summary["trials"]
    assert ngram.metric_mean == figures["stream"]["nats_per_character"]
    assert ngram.further["nats/char (block-256)"][0] == figures["block-256"]["nats_per_character"]
    assert ngram.metric_mean < lstm.metric_mean  # type: ignore[operator]  # twelve steps are no training
    assert "nats/char (block-256)" in table(result)[0]
    assert "nats/char (block-256) low" in result.to_csv()


def test_figures_that_only_a_trial_has_stand_beside_the_metric() -> None:
    pytest.importorskip("sacrebleu")
    pairs = Path(__file__).parents[1] / "tasks" / "pairs" / "small.tsv"
    small = (f"task.pairs={pairs}", "training.batch_size=4", "training.steps=1", "model.hidden_size=4")
    wish = Design("translate", ("encoder-decoder",), (1,), overrides=small)
    finished, _ = carry_out(entries_of(draw_up(wish).entrants, wish.seeds))
    (model,) = conclude(finished).models
    assert finished[0].summary is not None
    assert list(model.further) == ["accuracy (written)", "BLEU (written)", "chrF (written)"]
    assert model.further["chrF (written)"][0] == finished[0].summary["trials"]["written"]["chrf"]


def test_what_is_mixed_with_counts_has_figures_of_its_own() -> None:
    small = ("task.corpus=miniature", "task.period=16", "training.batch_size=4", "training.steps=12")
    wish = Design(
        "char-shakespeare", ("lstm[hidden_size=4]",), (1,), overrides=(*small, "mixture.order=3"),
        grid={"mixture.share": ["0.2", "0.7"]},
    )  # fmt: skip
    finished, _ = carry_out(entries_of(draw_up(wish).entrants, wish.seeds))
    little, much = conclude(finished).models
    assert little.metric_mean == much.metric_mean  # of the network alone, which is the same one
    for model, item in zip((little, much), finished, strict=True):
        assert item.summary is not None
        assert list(model.further)[2:] == [
            f"mixed nats/char ({x})" for x in ("stream", "block-256", "block-64")
        ]
        assert (
            model.further["mixed nats/char (stream)"][0]
            == item.summary["mixture"]["stream"]["nats_per_character"]
        )
    assert much.further["mixed nats/char (stream)"][0] < little.further["mixed nats/char (stream)"][0]


def test_what_cannot_be_mixed_is_refused_before_it_is_compared() -> None:
    small = ("task.corpus=miniature", "mixture.order=3")
    with pytest.raises(SettingsError, match="the model ngram counts by itself"):
        draw_up(Design("char-shakespeare", ("lstm", "ngram"), (1,), overrides=small))


def test_a_budget_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wish = Design("temporal-order", ("rnn",), (1,), overrides=SMALL[:1], budget=0.4)
    lineup = draw_up(wish)
    (steps,) = (one.experiment.training.steps for one in lineup.entrants)
    assert steps > 0
    assert f"rnn {steps:,}" in lineup.notes[0]
    (known,) = json.loads((tmp_path / "runs" / FILE).read_text()).values()
    assert known == steps
    monkeypatch.setattr("seqlab.comparison.budgets.steps_within", lambda *_: pytest.fail("measured again"))
    assert draw_up(wish).entrants == lineup.entrants


def test_all_runs_of_a_level_come_before_the_next_and_seeds_before_models() -> None:
    order = [
        (entry.level, entry.experiment.seed, entry.label)
        for entry in entries("rnn", "gru", difficulties=("easy", "hard"))
    ]
    assert order[:3] == [("easy", 1, "rnn"), ("easy", 1, "gru"), ("easy", 2, "rnn")]
    assert [level for level, _, _ in order] == ["easy"] * 4 + ["hard"] * 4


def test_processes_see_the_variables_of_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(entries("rnn", seeds=1))
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "elsewhere"))
    (finished,), _ = carry_out(entries("rnn", seeds=1))
    assert isinstance(finished.run, Run)
    assert finished.run.path.parent == tmp_path / "elsewhere"


def test_the_server_of_workers_imports_what_it_is_told_to() -> None:
    code = (
        "import gc, sys; from importlib import import_module; from seqlab.comparison import server\n"
        "for name in server.PRELOADED: import_module(name)\n"
        "assert gc.isenabled() and gc.get_freeze_count() > 0\n"
        "assert 'seqlab.comparison.workers' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
