"""Tasks of a user's own, from training to judging: metrics, trials and batches."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Command = Callable[..., CompletedProcess[str]]

MEAN = """
class Mean(Task):
    '''Answer with the mean of the numbers so far.'''

    metrics = (Metric("mae", higher_is_better=False, bounds=(0.0, None)), Metric("near", True, (0.0, 1.0)))
    trials = (Trial("length-20", {"length": 20}), Trial("length-40", {"length": 40}))

    def __init__(self, *, length: Annotated[int, Field(ge=1)] = 10) -> None:
        self.length = length
        self.spec = Spec("features", 1, "values", 1, causal=True)

    def batch(self, split, index, size, seed):
        x = numpy_stream(seed, "mean", split, index).random((size, self.length), dtype=np.float32)
        mean = (np.cumsum(x, 1) / np.arange(1, self.length + 1)).astype(np.float32)
        return Batch(torch.from_numpy(x[..., None]), torch.from_numpy(mean))

    def tally(self, outputs, batch):
        away = (outputs.squeeze(-1) - batch.targets).abs()
        return Counter(n=away.numel(), away=float(away.sum()), near=int((away < 0.1).sum()))

    def figures(self, total):
        return {"mae": total["away"] / total["n"], "near": total["near"] / total["n"]}
"""

SETTINGS = """
kind: train
task: {name: own.py}
model: {name: lstm, hidden_size: 8}
training: {steps: 200, learning_rate: 1e-2, evaluate_every: 20, test_sequences: 100, stop_when: {mae: 0.06}}
"""


TRAIN = ("train", "--config", "own.yaml", "--task", "own.py")


def test_metrics_of_its_own_from_training_to_pictures(own: Callable[..., Command], tmp_path: Path) -> None:
    seqlab = own(MEAN, SETTINGS)
    trained = seqlab(*TRAIN)
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout.startswith("solved after"), "stop_when knows that a small mae is a good one"
    assert "held out, length-40: mae " in trained.stdout
    summary = json.loads(seqlab("show", "--json").stdout)["summary"]
    assert set(summary["held_out"]) == {"mae", "near"}
    assert summary["held_out"]["mae"] <= 0.08
    assert list(summary["trials"]) == ["length-20", "length-40"]
    judged = seqlab("judge", "latest", "task.length=80", "--task", "own.py", "--json", "--sequences", "50")
    assert judged.returncode == 0, judged.stderr
    assert json.loads(judged.stdout)["figures"]["mae"] > 0
    drawn = json.loads(seqlab("plot", "--json").stdout)["figures"]
    assert any(path.endswith("mae-by-length.png") for path in drawn)
    shown = seqlab("show").stdout
    assert "judged task.length=80, sequences=50 mae" in shown
    seqlab(*TRAIN, "training.steps=20", "training.stop_when={}")
    heads, *rows = [line.split("\t") for line in seqlab("runs", "--sort", "mae").stdout.splitlines()]
    values = [float(row[heads.index("mae")]) for row in rows]
    assert values == sorted(values), "the smallest error first"
    heads, *rows = [line.split("\t") for line in seqlab("runs", "--sort", "near").stdout.splitlines()]
    values = [float(row[heads.index("near")]) for row in rows]
    assert values == sorted(values, reverse=True), "the greatest share first"


def test_a_curve_over_an_option_has_the_judgements_of_all_its_values(
    own: Callable[..., Command], tmp_path: Path
) -> None:
    from seqlab.runs import find_run
    from seqlab.runs.trials import option_curves

    seqlab = own(MEAN, SETTINGS)
    seqlab(*TRAIN)
    seqlab("judge", "latest", "task.length=5", "--task", "own.py")
    run = find_run(str(next((tmp_path / "runs").glob("own-*"))))
    (curve,) = option_curves(run, "mae")
    summary = run.summary()
    assert summary is not None
    assert (curve.option, curve.answers, curve.trained) == ("length", "shown", (10.0, 10.0))
    assert [value for value, _ in curve.points] == [5, 10, 20, 40]
    assert dict(curve.points)[10] == summary["held_out"]["mae"]
    assert dict(curve.points)[40] == summary["trials"]["length-40"]["mae"]


def test_trials_of_the_settings_stand_beside_the_task_s(own: Callable[..., Command]) -> None:
    seqlab = own(MEAN, SETTINGS + "trials: {short: {task: {length: 3}}}\n")
    summary = json.loads(seqlab(*TRAIN, "--json").stdout)
    assert list(summary["trials"]) == ["length-20", "length-40", "short"]
    wrong = own(MEAN, SETTINGS + "trials: {short: {task: {lenght: 3}}}\n")(*TRAIN)
    assert wrong.returncode == 2
    assert "trials.short.task.lenght" in wrong.stderr
    assert "Did you mean 'length'?" in wrong.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"near": total', '"nearer": total', "returns the figure 'nearer', which its metrics do not declare"),
        ('"mae": total["away"] / total["n"], ', "", "is judged by 'mae', its first metric, but returns near"),
        (
            "metrics = (Metric",
            "higher_is_better = False\n    metrics = (Metric",
            "higher_is_better is not read",
        ),
        ("def figures", "def metrics", "the method that returns them is `figures`"),
        ("trials = (", "protocols = (1,)\n    trials = (", "Mean.protocols is not read"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(
    own: Callable[..., Command], tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in MEAN
    refused = own(MEAN.replace(old, new), SETTINGS)(*TRAIN)
    assert refused.returncode == 2
    assert said in " ".join(refused.stderr.split())
    assert not (tmp_path / "runs").exists()


def test_written_answers_of_a_task_that_has_none_are_refused(own: Callable[..., Command]) -> None:
    seqlab = own(MEAN, SETTINGS + "trials: {alone: {answers: greedy}}\n")
    refused = seqlab(*TRAIN)
    assert refused.returncode == 2
    assert "its Spec has no `writes`" in refused.stderr


PARITY = """
from bits import draw

class Parity(Task):
    '''Is the number of ones so far odd?'''

    trials = (Trial("length-9", {"length": 9}),)

    def __init__(self, *, length: Annotated[int, Field(ge=1)] = 4) -> None:
        self.length = length
        self.spec = Spec("tokens", 2, "classes", 2, causal=True)

    def batch(self, split, index, size, seed):
        bits = draw(seed, split, index, size, self.length)
        return Batch(torch.from_numpy(bits), torch.from_numpy(np.cumsum(bits, axis=1) % 2))
"""
BITS = """
from seqlab.contracts import numpy_stream

def draw(seed, split, index, size, length):
    return numpy_stream(seed, "parity", split, index).integers(0, 2, (size, length))
"""
QUICK = (
    "training.steps=4",
    "training.test_sequences=20",
    "training.evaluation_sequences=20",
    "model.hidden_size=4",
)


@pytest.fixture
def parity(own: Callable[..., Command], tmp_path: Path) -> Command:
    (tmp_path / "bits.py").write_text(BITS)
    return own(PARITY)


def test_a_task_needs_no_settings_file(parity: Command, tmp_path: Path) -> None:
    done = parity("train", "--task", "own.py", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["steps"], list(summary["trials"])) == (4, ["length-9"])
    (run,) = (tmp_path / "runs").glob("own-lstm-*")
    assert parity("inspect", run.name, "--task", "own.py").returncode == 0
    assert parity("inspect", run.name).returncode == 2, "a run folder does not have code run"


def test_a_comparison_takes_a_task_of_ones_own(parity: Command, tmp_path: Path) -> None:
    done = parity("compare", "rnn", "lstm", "--task", "own.py", "--seeds", "2", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [model["runs"] for model in told["models"]] == [2, 2]
    assert "accuracy (length-9)" in told["table"][0]
    assert told["question"].startswith("Which learns own best")
    assert any(figure["name"] == "accuracy-by-length" for figure in told["figures"])
    again = parity("compare", "rnn", "lstm", "--task", "own.py", "--seeds", "2", *QUICK)
    assert "4 of 4 runs had been finished before" in again.stderr
    (tmp_path / "bits.py").write_text(BITS.replace('"parity"', '"other"'))
    changed = parity("compare", "rnn", "lstm", "--task", "own.py", "--seeds", "2", *QUICK)
    assert changed.returncode == 0
    assert "finished before" not in changed.stderr, "its neighbour changed: the runs are others"


def test_a_comparison_takes_settings_of_ones_own(parity: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "kind: train\ntask: {name: own.py, length: 5}\nmodel: {name: gru, hidden_size: 3}\n"
        "training: {steps: 3, test_sequences: 20, evaluation_sequences: 20, stop_when: {accuracy: 0.99}}\n"
    )
    words = ("compare", "rnn", "gru", "--on", "mine.yaml", "--seeds", "1", "--json")
    refused = parity(*words)
    assert refused.returncode == 2
    assert "--task own.py" in refused.stderr
    done = parity(*words, "--task", "own.py", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["settings"]["task.length"] == 5
    assert told["settings"]["training.stop_when.accuracy"] == 0.99
    assert [model["solved"] for model in told["models"]] == [0, 0]


def test_a_settings_file_of_a_comparison_is_on_a_file_beside_it(parity: Command, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "mine.yaml").write_text(
        "kind: train\ntask: {name: own.py, length: 5}\nmodel: {name: gru, hidden_size: 3}\n"
        "training: {steps: 3, test_sequences: 20, evaluation_sequences: 20}\n"
    )
    lines = "kind: compare\non: mine.yaml\nmodels: [rnn, gru]\nseeds: 1\n"
    (tmp_path / "more" / "both.yaml").write_text(lines)
    refused = parity("train", "--config", "more/both.yaml")
    assert refused.returncode == 2
    assert "add: --task own.py" in refused.stderr
    done = parity("train", "--config", "more/both.yaml", "--task", "own.py", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["settings"]["task.length"] == 5
    (tmp_path / "more" / "both.yaml").write_text(lines + "task: own.py\n")
    refused = parity("train", "--config", "more/both.yaml")
    assert refused.returncode == 2, "a settings file does not have code run"
    assert "'task=own.py'" in refused.stderr


def test_a_task_may_stand_where_the_experiment_does(parity: Command, tmp_path: Path) -> None:
    done = parity("compare", "rnn", "--on", "own.py", "--seeds", "1", *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["task"] == "own.py"
    refused = parity("train", "own.py")
    assert refused.returncode == 2
    assert "--task own.py" in refused.stderr


def test_a_run_of_ones_own_task_goes_on_where_the_file_lies_now(parity: Command, tmp_path: Path) -> None:
    parity("train", "--task", "own.py", *QUICK)
    (tmp_path / "moved").mkdir()
    for name in ("own.py", "bits.py"):
        (tmp_path / name).rename(tmp_path / "moved" / name)
    judged = parity("judge", "latest", "task.length=6", "--task", "moved/own.py")
    assert judged.returncode == 0, judged.stderr
    (tmp_path / "moved" / "bits.py").write_text(BITS + "\n# another line\n")
    words = ("judge", "latest", "--task", "moved/own.py")
    refused = parity(*words)
    assert refused.returncode == 2
    assert "moved/own.py is not what it was when own-lstm-s1-" in refused.stderr
    (copy,) = (tmp_path / "runs").glob("own-*/own/task/own.py")
    assert (copy.parent / "bits.py").read_text() == BITS, "with its neighbours"
    assert f"it lies in {copy}, and can be named with --task" in refused.stderr
    assert parity(*words, "--anyway").returncode == 0
    assert parity("judge", "latest", "--task", copy).returncode == 0


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        ('Trial("a", {"lenght": 3})', "Did you mean 'length'?"),
        ('Trial("a", {"length": "many"})', "length is 'many'; allowed: a whole number"),
        ('Trial("a", {"wide": True})', "changes what the model reads or answers: input_size 3 instead of 1"),
        ('Trial("a"), Trial("a")', "Each trial of a task has a name of its own; these are 'a', 'a'"),
    ],
)
def test_a_trial_that_cannot_be_is_refused_before_anything_is_trained(
    own: Callable[..., Command], tmp_path: Path, trial: str, said: str
) -> None:
    task = MEAN.replace('Trial("length-20", {"length": 20}), Trial("length-40", {"length": 40})', f"{trial},")
    task = task.replace("= 10) -> None:", "= 10, wide: bool = False) -> None:")
    task = task.replace('Spec("features", 1,', 'Spec("features", 3 if wide else 1,')
    refused = own(task, SETTINGS)(*TRAIN)
    assert refused.returncode == 2, refused.stdout
    assert said in " ".join(refused.stderr.split())
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "return Batch(torch.from_numpy(bits)",
            "return Batch(torch.from_numpy(bits) + 9",
            "inputs hold 9 in row 0, step 0, but the Spec has the symbols 0 to 1",
        ),
        (
            "np.cumsum(bits, axis=1) % 2",
            "5 + np.cumsum(bits, axis=1) % 2",
            "targets hold 5 in row 0, step 0, but the Spec has the classes 0 to 1",
        ),
        (
            "return Batch(torch.from_numpy(bits)",
            "return Batch(torch.from_numpy(bits).float()",
            "inputs are (32, 4)",
        ),
        ("axis=1) % 2", "axis=1)[:, 1:] % 2", "targets are (32, 3)"),
        (
            "draw(seed, split, index, size,",
            "draw(seed, split, index, size + 1,",
            "33 rows where 32 were asked for",
        ),
        (
            "bits = draw(",
            "bits = (0 if index == 0 else 10**7) + draw(",
            "inputs hold 1000000",
        ),  # later
    ],
)
@pytest.mark.parametrize("engine", ["fused", "torch"])
def test_a_wrong_batch_is_refused_by_every_engine(
    parity: Command, tmp_path: Path, engine: str, old: str, new: str, said: str
) -> None:
    if engine == "fused":
        pytest.importorskip("numba")
    path = tmp_path / "own.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    refused = parity(
        "train", "--task", "own.py", *QUICK, f"training.engine={engine}", "training.evaluate_every=2"
    )
    begun = "index ==" in new  # the first batch is right
    assert refused.returncode == (1 if begun else 2), refused.stderr
    assert said in refused.stderr
    assert "own.py, line " in refused.stderr, "where its batch is made"
    assert (tmp_path / "runs").exists() == begun
