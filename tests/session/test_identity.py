"""What makes two runs the same run, and what a run is told when something has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from seqlab import plugins
from seqlab.comparison.study import identity_of
from seqlab.engines import take_engine
from seqlab.errors import Interrupted, RunFolderError
from seqlab.registry import resolve
from seqlab.runs import Run
from seqlab.session import begin, go_on, identity, train
from seqlab.session.identity import Identity, changed_since
from seqlab.settings import Component, TrainExperiment, check, read_text
from seqlab.tasks import build_task

TEXT = """
experiment: small
task: {name: temporal-order}
model: {name: lstm, hidden_size: 4}
training: {steps: 30, batch_size: 4, evaluate_every: 10, checkpoint_every: 10, evaluation_sequences: 8,
           test_sequences: 8, engine: torch}
compute: {device: cpu, threads: 1}
"""


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))


def experiment(**changes: Any) -> TrainExperiment:
    document = read_text(TEXT, source="test.yaml")
    for key, value in changes.items():
        document = document.override(key.replace("__", "."), value)
    found = check(document)
    assert isinstance(found, TrainExperiment)
    return resolve(found, document)


def mark(**changes: Any) -> str:
    wanted = experiment(**changes)
    return identity_of(take_engine(wanted, build_task(wanted.task))[0]).fingerprint


def test_what_a_comparison_looks_for_is_what_a_run_records() -> None:
    for changes in ({}, {"model__name": "mingru"}, {"model__hidden_size": 5}):
        run, _ = begin(experiment(**changes), command="test")
        assert run.info().extra["fingerprint"] == mark(**changes)


def test_settings_count_and_what_only_describes_does_not() -> None:
    base = mark()
    assert mark() == base
    assert mark(experiment="other", summary="Another one.") == base
    assert mark(compute__device="auto") == base  # where there is no other
    different = [
        mark(**change)
        for change in ({"seed": 2}, {"training__steps": 31}, {"model__hidden_size": 5}, {"compute__threads": 2},
                       {"compute__precision": "bf16"}, {"training__engine": "fused"})
    ]  # fmt: skip
    assert len({base, *different}) == 7


def test_versions_device_and_data_count(monkeypatch: pytest.MonkeyPatch) -> None:
    base = mark()
    with monkeypatch.context() as patch:
        patch.setattr(identity, "_version", lambda name: "9.9" if name == "torch" else "1")
        upgraded = mark()
    with monkeypatch.context() as patch:
        patch.setattr("seqlab.comparison.study.pick_device", lambda name: torch.device("cuda"))
        elsewhere = mark()
    assert len({base, upgraded, elsewhere}) == 3
    one, other = (Identity({}, "cpu", {}, data, "code", {}).fingerprint for data in ("ab", "cd"))
    assert one != other


def test_only_the_version_of_what_computes_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    torch_before, fused_before = mark(), mark(training__engine="fused")
    monkeypatch.setattr(
        identity, "_version", lambda name: "9.9" if name == "numba" else identity.metadata.version(name)
    )
    assert mark() == torch_before
    assert mark(training__engine="fused") != fused_before


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's source, which is hashed in its place."""
    import shutil

    import seqlab

    copy = tmp_path / "seqlab"
    source = Path(seqlab.__file__).parent
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(identity, "_PACKAGE", copy)
    monkeypatch.setattr(
        identity,
        "component_file",
        lambda kind, name: next(iter((copy / f"{kind}s").glob(f"*/{name.replace('-', '_')}.py"))),
    )
    identity.code_hash.cache_clear()
    return copy


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("models/recurrent/lstm.py", True),
        ("models/_recurrent.py", True),
        ("tasks/lags/temporal_order.py", True),
        ("training/loop.py", True),
        ("contracts.py", True),
        ("engines/torch.py", True),
        ("models/recurrent/new.py", False),
        ("tasks/lags/new.py", False),
        ("models/recurrent/gru.py", False),
        ("fused/network.py", False),
        ("engines/fused.py", False),
        ("tasks/text/char_lm.py", False),
        ("cli/show.py", False),
        ("runs/store.py", False),
    ],
)
def test_the_code_that_task_model_and_engine_import_counts_and_no_other(
    package: Path, file: str, counts: bool
) -> None:
    before = mark()
    path = package / file
    path.write_text((path.read_text() if path.exists() else '"""New."""\n') + "\n# changed\n")
    identity.code_hash.cache_clear()
    assert (mark() != before) == counts


def files_of(root: str) -> set[str]:
    """Return the files of the package that its file, and what it imports, is made of."""
    found = identity._imported([identity._PACKAGE / root])
    return {file.relative_to(identity._PACKAGE).as_posix() for file in found}


def test_what_is_compiled_counts_with_what_has_it_compiled() -> None:
    """Its module is imported by its name, when it is first called."""
    engine, task = files_of("engines/fused.py"), files_of("tasks/languages/bounded_dyck.py")
    assert engine >= {
        "compiling.py",
        *(f"fused/{name}.py" for name in ("network", "lstm", "layers", "batches")),
    }
    assert task >= {"compiling.py", "seeding.py", "tasks/languages/_walks.py"}
    assert "fused/network.py" not in task
    assert files_of("models/memory/ntm.py") >= {f"models/memory/_turing_{way}.py" for way in ("read", "back")}


def test_what_draws_a_task_s_batches_counts_where_it_draws_them(package: Path) -> None:
    pytest.importorskip("numba")

    def marks() -> list[str]:
        identity.code_hash.cache_clear()
        return [
            mark(task__name=task, training__engine=engine)
            for task in ("temporal-order", "echo")
            for engine in ("fused", "torch")
        ]

    before = marks()
    drawer = package / "fused/drawing/echo.py"
    drawer.write_text(drawer.read_text() + "\n# changed\n")
    assert [old == new for old, new in zip(before, marks(), strict=True)] == [True, True, False, True]
    task = package / "tasks/basics/echo.py"
    task.write_text(task.read_text() + "\n# changed\n")
    assert [old == new for old, new in zip(before, marks(), strict=True)] == [True, True, False, False]


CELL = """
import torch
from seqlab.models import Cell, Input
from mathematics import squash

class Mine(Cell):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.input = Input(input_size, hidden_size)

    def step(self, x, state):
        return (squash(self.input(x) + 0.5 * state[0]),)
"""


def test_a_file_of_ones_own_counts_with_its_neighbours(tmp_path: Path) -> None:
    cell, neighbour = tmp_path / "cell.py", tmp_path / "mathematics.py"
    cell.write_text(CELL)
    neighbour.write_text("import torch\nsquash = torch.tanh\n")
    (tmp_path / "unrelated.py").write_text("1\n")

    def known() -> str:
        plugins.admit(str(cell))
        return mark(model__name=str(cell))

    base = known()
    (tmp_path / "unrelated.py").write_text("2\n")
    assert known() == base
    neighbour.write_text("import torch\nsquash = torch.sigmoid\n")
    changed = known()
    assert changed != base
    run, session = begin(experiment(model__name=str(cell)), command="test")
    assert float(session.model(torch.tensor([[0]]))[1][0][0].min()) > 0, (
        "the changed neighbour was imported anew"
    )
    assert run.info().extra["fingerprint"] == changed
    cell.write_text(CELL.replace("0.5", "0.6"))
    assert known() not in (base, changed)


def test_plugins_of_two_folders_have_neighbours_of_one_name(tmp_path: Path) -> None:
    cells = []
    for folder, function in (("a", "tanh"), ("b", "relu")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cell.py").write_text(CELL)
        (tmp_path / folder / "mathematics.py").write_text(f"import torch\nsquash = torch.{function}\n")
        name = str(tmp_path / folder / "cell.py")
        plugins.admit(name)
        cells.append(plugins.admitted(name))
    assert [cell.squash for cell in cells if cell is not None] == [torch.tanh, torch.relu]


def stopped(wanted: TrainExperiment) -> Run:
    run, session = begin(wanted, command="test")

    def watch(step: Any) -> None:
        if step.step == 12:
            import signal

            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        train(run, session, watch=watch)
    return run


@pytest.mark.parametrize("what", ["torch", "code"])
def test_a_run_is_gone_on_with_after_a_change_only_if_that_is_asked_for(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stopped(experiment())
    before = run.info().extra["fingerprint"]
    changes: dict[str, Callable[[], None]] = {
        "torch": lambda: monkeypatch.setattr(identity, "_version", lambda name: "9.9"),
        "code": lambda: monkeypatch.setattr(identity, "code_hash", lambda *_: "another"),
    }
    changes[what]()
    said = {"torch": r"torch \S+ \(now 9\.9\)", "code": "seqlab's code"}[what]
    with pytest.raises(RunFolderError, match=rf"this has changed: {said}[\s\S]*--anyway"):
        go_on(run)
    assert run.info().extra["fingerprint"] == before
    summary = train(run, go_on(run, anyway=True))
    assert summary["steps"] == 30
    assert run.info().extra["fingerprint"] != before
    assert run.info().extra["changed"]


def test_an_unchanged_run_goes_on_without_a_word() -> None:
    run = stopped(experiment())
    train(run, go_on(run))
    assert "changed" not in run.info().extra


def test_changes_are_named() -> None:
    before = Identity({}, "cpu", {"torch": "2.1"}, None, "a", {"model": "x"})
    now = Identity({}, "cuda", {"torch": "2.2"}, None, "b", {"model": "y"})
    assert changed_since(before.to_dict(), now) == [
        "torch 2.1 (now 2.2)", "the device cpu (now cuda)", "seqlab's code", "the file of the model",
    ]  # fmt: skip
    assert changed_since(before.to_dict(), before) == []


def test_the_component_s_name_is_part_of_it() -> None:
    assert Component(name="lstm") != Component(name="gru")
    assert mark(model__name="lstm") != mark(model__name="gru")


def test_the_code_that_a_file_of_ones_own_imports_counts(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = tmp_path / "cell.py"
    cell.write_text("from seqlab.models.recurrent.gru import GRU\n\nclass Mine(GRU):\n    pass\n")
    plugins.admit(str(cell))
    monkeypatch.setattr(identity, "component_file", lambda kind, name: cell if name == str(cell) else None)
    before = mark(model__name=str(cell))
    path = package / "models/recurrent/gru.py"
    path.write_text(path.read_text() + "\n# changed\n")
    identity.code_hash.cache_clear()
    assert mark(model__name=str(cell)) != before
