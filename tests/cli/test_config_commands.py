import json
import sys

import jsonschema
import pytest
from conftest import Command

from seqlab.__main__ import main
from seqlab.cli.schema import settings_schema
from seqlab.configure import load_settings
from seqlab.settings import dump, experiment_names, read_experiment, read_text

MINE = """\
summary: A small one
task: {name: temporal-order, difficulty: easy}
model: {name: lstm, hidden_size: 8, layers: 2, forget_bias: 3.0}
training: {steps: 5, learning_rate: 1e-2}
presets:
  short: {training.steps: 2, seed: 7}
  hard: {training: {steps: 9}, model.forget_bias: 5.0}
"""
CELL = """
from seqlab.models import Cell

class MyCell(Cell):
    def __init__(self, input_size, hidden_size, *, leak: float = 0.5):
        super().__init__(input_size, hidden_size)

    def step(self, x, state):
        return state

    def step(self, x, state):
        return state
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "my_cell.py").write_text(CELL)
    return tmp_path / "mine.yaml"


@pytest.fixture
def seqlab(monkeypatch, capsys):
    """Run ``seqlab WORDS...`` in this process: the exit code, stdout and stderr."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["seqlab", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        return caught.value.code or 0, captured.out, captured.err

    return run


def refused(answer):
    """Return the message of a refusal, after making sure that it is one."""
    code, out, err = answer
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("config", "hello", "hidden_size=3"), "Did you mean model.hidden_size=...?"),
        (("train", "hello", "lr=0.1"), "Did you mean training.learning_rate=...?"),
        (("train", "hello", "training.lr=0.1"), "Did you mean 'learning_rate'?"),
        (("compare", "rnn", "lr=0.1"), "Did you mean training.learning_rate=...?"),
        (("train", "hello", "--lr", "0.1"), "A setting is given as a word: training.learning_rate=..."),
        (("compare", "rnn", "--hidden-size", "3"), "A setting is given as a word: model.hidden_size=..."),
        (("show", "--jso"), "Did you mean --json?"),
        (("train", "hello", "--seed", "x"), "Invalid value for '--seed': 'x' is not a valid int"),
        (("compare", "rnn", "--seeds", "0"), "'--seeds': 0 is not in the range"),
        (("train", "--config"), "requires an argument"),
        (("trian", "hello"), "Did you mean seqlab train?"),
        (("delete", "hello"), "Did you mean seqlab rm?"),
        (("corpus", "show"), "There is no command 'show'."),
        (("show", "training.steps=30"), "is a setting where a run is named"),
        (("config", "rnn-vs-lstm", "lr=1"), "mean settings.training.learning_rate=...?"),
    ],
)
def test_what_is_usual_elsewhere_is_answered_with_the_setting(
    words: tuple[str, ...], hint: str, seqlab_command: Command
) -> None:
    done = seqlab_command(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert hint in done.stderr


def test_a_file_that_names_a_plugin_needs_it_on_the_command_line(mine, seqlab, monkeypatch):
    monkeypatch.setattr("seqlab.plugins._admitted", {})
    mine.write_text("task: {name: hello}\nmodel: {name: my_cell.py, leak: 0.75}\n")
    told = refused(seqlab("config", "--config", mine))
    assert (
        f"{mine}, line 2: my_cell.py is a Python file; it runs only when it is named on the command line."
        in told
    )
    assert "If you trust it, add: --model my_cell.py" in told
    assert "runs only when it is named" in refused(
        seqlab("config", "--config", mine, "model.name=my_cell.py")
    )
    code, out, _ = seqlab("config", "--config", mine, "--model", "./my_cell.py:MyCell", "--json")
    model = json.loads(out)["settings"]["model"]
    assert (code, model["name"], model["leak"]) == (0, f"{mine.parent / 'my_cell.py'}:MyCell", 0.5)
    code, out, _ = seqlab("config", "--config", mine, "--model", mine.parent / "my_cell.py", "--json")
    assert (
        json.loads(out)["settings"]["model"]["leak"] == 0.75
    )  # the same component: what the file says of it stays


def test_config_marks_what_was_overridden(mine, seqlab):
    code, out, _ = seqlab(
        "config", "--config", mine, "seed=3", "training.steps=5", "summary=a # b\\n", "--model", "rnn"
    )
    lines = [line.strip() for line in out.splitlines()]
    assert code == 0
    assert "seed: 3  # overridden (was 1)" in lines
    assert "steps: 5" in lines
    assert "name: rnn  # overridden (was 'lstm')" in lines
    assert "batch_size: 32" in lines
    assert out.count("# overridden") == 3
    _, out, _ = seqlab("config", "--config", mine, "seed=3", "training.clip_norm=null", "--json")
    assert json.loads(out)["overridden"] == {"seed": 1, "training.clip_norm": 1.0}


def test_config_marks_what_a_preset_puts_where_there_was_nothing(mine, seqlab):
    mine.write_text(
        "task: {name: char-lm, corpus: miniature}\nmodel: {name: rnn}\n"
        "presets: {mixed: {mixture: {order: 5, share: 0.25}}}\n"
    )
    code, out, _ = seqlab("config", "--config", mine, "--preset", "mixed")
    lines = [line.strip() for line in out.splitlines()]
    assert code == 0
    assert "order: 5  # overridden" in lines
    assert "share: 0.25  # overridden" in lines
    assert out.count("# overridden") == 2


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("seed=4", "training.learning_rate=1e-5", 'summary="1e-3\\n# two: lines"', "training.clip_norm=null"),
        ("--preset", "short", "--difficulty", "hard", "--model", "rnn[start=orthogonal]"),
        ("--model", "my_cell.py:MyCell"),
    ],
)
def test_what_config_prints_is_the_same_settings_when_read_back(mine, seqlab, words):
    code, first, _ = seqlab("config", "--config", mine, *words)
    assert code == 0
    copy = mine.parent / "copy.yaml"
    copy.write_text(first, encoding="utf-8")
    plugin = words if "my_cell.py:MyCell" in words else ()
    code, second, _ = seqlab("config", "--config", copy, *plugin)
    assert code == 0
    assert read_text(second, "second").data == read_text(first, "first").data
    assert "# overridden" not in second


@pytest.mark.parametrize("name", experiment_names())
def test_every_experiment_is_printed_and_read_back(seqlab, tmp_path, name):
    code, out, _ = seqlab("config", name)
    assert code == 0
    (tmp_path / "copy.yaml").write_text(out, encoding="utf-8")
    assert load_settings(None, config=tmp_path / "copy.yaml")[0] == load_settings(name)[0]


def test_a_comparison_takes_another_task_by_its_name(seqlab):
    code, out, _ = seqlab("config", "family", "task=copy")
    assert code == 0
    assert "task: copy" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["helo"], ["Unknown experiment 'helo'.", "Did you mean 'hello'?"]),
        (["gru"], ["'gru' is a model, no experiment.", "Write temporal-order --model gru"]),
        (["char-lm"], ["'char-lm' is a task, no experiment.", "Write --task char-lm"]),
        (["sub/mine"], ["no experiment's name", "A settings file ends in .yaml."]),
        ([], ["No experiment is named."]),
        (["seed=1"], ["No experiment is named."]),
        (["hello", "--config", "mine.yaml"], ["Both the experiment 'hello' and the settings file mine.yaml"]),
        (["hello", "--model", "lsmt"], ["Unknown model 'lsmt'.", "Did you mean 'lstm'?"]),
        (
            ["hello", "--model", "lstm[hiden_size=8]"],
            ["On the command line: there is no setting 'model.hiden_size'"],
        ),
        (["hello", "--model", "lstm[hidden_size=8"], ["is not a name with settings"]),
        (["hello", "--model", "absent.py"], ["There is no file", "absent.py"]),
        (["hello", "--task", "helo"], ["Unknown task 'helo'.", "Did you mean 'hello'?"]),
        (["hello", "task.name=helo"], ["On the command line: Unknown task 'helo'."]),
        (["hello", "--preset", "x"], ["experiments/basics/hello.yaml has no presets"]),
        (
            ["--config", "mine.yaml", "--preset", "shrot"],
            ["Unknown preset 'shrot'.", "Did you mean 'short'?"],
        ),
        (
            ["--config", "mine.yaml", "--difficulty", "esay"],
            ["task.difficulty is 'esay'", "Did you mean 'easy'?"],
        ),
        (["hello", "--difficulty", "easy"], ["there is no setting 'task.difficulty'"]),
        (["hello", "sed=1"], ["On the command line: there is no setting 'sed'.", "Did you mean seed=...?"]),
        (["lecture-easy", "seed=3"], ["Did you mean seeds=...?"]),
        (["family", "training.step=9"], ["no setting 'training.step'", "mean settings.training.steps=...?"]),
        (["family", "task.length=9"], ["no setting 'task.length'", "mean settings.task.length=...?"]),
        (["family", "task.name=copy"], ["no setting 'task.name'", "mean task=...?"]),
        (["family", "model.name=gru"], ["no setting 'model.name'", "mean models=...?"]),
        (["hello", "seed"], ["'seed' is not a setting", "key=value"]),
        (["hello", "seed.x=1"], ["On the command line: seed is {'x': 1}; allowed: a whole number"]),
        (
            ["--config", "mine.yaml", "model.layers.x=1"],
            ["'model.layers.x' cannot be set, because model.layers is 2"],
        ),
        (
            ["hello", "training.learning_rate=nan"],
            ["training.learning_rate is 'nan'; allowed: a number greater"],
        ),
        (
            ["hello", "model.hidden_size=0"],
            ["model.hidden_size is 0; allowed: a whole number from 1 to 65536."],
        ),
        (["hello", "model=lstm"], ["model is 'lstm'; allowed: a mapping.", "model.name=lstm"]),
        (["hello", "--seed", "-1"], ["On the command line: seed is -1"]),
        (["hello", "--seed", "x"], ["--seed"]),
        (["--config", "absent.yaml"], ["There is no file absent.yaml"]),
        (["--config", "."], [". is a folder, not a settings file."]),
        (["hello", "--no-such-option"], ["There is no option --no-such-option.", "--help lists"]),
        (["vanishing-gradient", "--model", "lstm"], ["has a list of them", "models=[rnn,lstm]"]),
        (["vanishing-gradient", "--seed", "3"], ["there is no setting 'seed'", "Did you mean 'seeds'?"]),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_remedy(mine, seqlab, words, said):
    told = refused(seqlab("config", *words))
    assert [part for part in said if part not in told] == []


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1]\nb: *a",
        "x: !!python/object/apply:os.system ['true']",
        "[" * 10_000,
        "seed: 1\nseed: 2",
        "training:\n\tsteps: 1",
        "- seed: 1",
        "seed:",
        "",
        MINE + "seed: " + "9" * 5000,
        MINE + "compute: {threads: .nan}",
        MINE.replace("{training.steps: 2, seed: 7}", "5"),
        "\n".join(f"k{i}: {i}" for i in range(5000)),
    ],
)
def test_a_bad_file_is_refused_with_its_name(mine, seqlab, text):
    mine.write_text(text)
    assert "mine.yaml" in refused(seqlab("config", "--config", "mine.yaml"))


def test_the_process_itself_leaves_with_2_and_without_a_traceback(seqlab_process, tmp_path):
    with (tmp_path / "huge.yaml").open("wb") as stream:
        stream.truncate(100 * 2**20)
    for words in (["config", "--config", "huge.yaml"], ["config", "hello", "sed=1"]):
        answer = seqlab_process(*words)
        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr.removeprefix("loading ...\n").startswith("Error: ")  # said on a busy machine
        assert "Traceback" not in answer.stderr


def errors_of(schema, data):
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(data)]


def test_the_schema_allows_every_experiment_as_written_and_as_printed():
    schema = settings_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for name in experiment_names():
        data = dict(read_experiment(name).data)
        resolved = load_settings(name)[0].model_dump(mode="json")
        assert errors_of(schema, resolved) == []
        assert errors_of(schema, {key: value for key, value in data.items() if key != "experiment"}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"sumary": "x"},
        {"seed": -1},
        {"training": {"learning_rat": 1}},
        {"training": {"learning_rate": "x"}},
        {"model": {"name": "lsmt"}},
        {"model": {"name": "lstm", "hiden_size": 8}},
        {"model": {"name": "rnn", "forget_bias": 1.0}},
        {"model": {"hidden_size": 8}},
        {"task": {"name": "hello", "difficulty": "easy"}},
        {"task": {"name": "lstm"}},
    ],
)
def test_the_schema_refuses_what_is_wrong(change):
    data = dict(read_text(MINE, "mine.yaml").data)
    assert errors_of(settings_schema(), data) == []
    assert errors_of(settings_schema("train"), {**data, **change})


def test_the_schema_of_one_kind_model_and_task(mine, seqlab):
    code, out, _ = seqlab("schema", "hello", "--model", "my_cell.py", "--task", "temporal-order")
    schema, name = json.loads(out), str(mine.parent / "my_cell.py")
    data = dict(read_text(MINE, "mine.yaml").data)
    assert code == 0
    assert errors_of(schema, data)
    assert errors_of(schema, {**data, "model": {"name": name, "leak": 0.1, "layers": 2}}) == []
    assert errors_of(schema, {**data, "model": {"name": name, "leek": 0.1}})
    assert errors_of(schema, {**data, "model": {"name": name}, "task": {"name": "hello"}})
    assert errors_of(schema, {"kind": "gradients", "models": ["lstm"]})
    assert errors_of(settings_schema(), {"kind": "gradients", "models": ["lstm"]}) == []
    assert "Did you mean 'hello'?" in refused(seqlab("schema", "helo"))


def test_list_shows_names_and_summaries(seqlab):
    code, out, _ = seqlab("list")
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert rows[0] == ["kind", "family", "name", "summary"]
    assert {tuple(row[:3]) for row in rows} >= {
        ("experiment", "basics", "hello"),
        ("model", "recurrent", "lstm"),
        ("task", "basics", "hello"),
    }
    assert all(len(row) == 4 and row[3] for row in rows)
    assert {row[2]: row[3] for row in rows}["char-shakespeare"].endswith(
        "[--preset minute, coffee, lunch, gpu-minute, gpu-five]"
    )
    _, out, _ = seqlab("list", "models", "--json")
    found = json.loads(out)
    assert list(found) == ["models"]
    assert {"name", "family", "summary"} == set(found["models"][0])
    _, out, _ = seqlab("list", "lags")
    assert {line.split("\t")[1] for line in out.splitlines()[1:]} == {"lags"}
    assert "temporal-order" in out
    code, _, err = seqlab("list", "model")
    assert code == 2
    assert "Did you mean 'models'?" in err


def test_settings_are_dumped_with_the_plain_words_of_yaml(mine):
    text = dump(load_settings(None, config=mine, overrides=["training.learning_rate=1e-5"])[0].model_dump())
    assert "learning_rate: 1.0e-05" in text
    assert "patience: null" in text
