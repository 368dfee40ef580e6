import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.errors import SettingsError
from seqlab.settings import check, dump, read_text

BASE = "experiment: mine\ntask: {name: hello}\nmodel: {name: rnn, hidden_size: 8}\n"


def message(text, base=BASE):
    with pytest.raises(SettingsError) as caught:
        check(read_text(base + text, "mine.yaml"))
    return str(caught.value)


def test_defaults_are_filled_in():
    experiment = check(read_text(BASE, "mine.yaml"))
    assert (experiment.kind, experiment.seed, experiment.training.batch_size) == ("train", 1, 32)
    assert experiment.model.options == {"hidden_size": 8}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tarining: {steps: 5}", "line 4: there is no setting 'tarining'."),
        ("tarining: {steps: 5}", "Did you mean 'training'?"),
        (
            "training: {learning_rat: 1}",
            "line 4: there is no setting 'training.learning_rat'. Known here: steps,",
        ),
        ("training: {learning_rat: 1}", "Did you mean 'learning_rate'?"),
        ("training: {learning_rate: abc}", "'abc'; allowed: a number greater than 0 and at most 100."),
        (
            "training: {learning_rate: .nan}",
            "training.learning_rate is nan; allowed: a number greater than 0",
        ),
        (
            "training: {learning_rate: .inf}",
            "training.learning_rate is inf; allowed: a number greater than 0",
        ),
        ("training: {learning_rate: 1e999}", "training.learning_rate is inf"),
        ("training: {weight_decay: .inf}", "training.weight_decay is inf"),
        (
            "training: {clip_norm: .nan}",
            "training.clip_norm is nan; allowed: a number greater than 0, or null.",
        ),
        ("training: {stop_when: {accuracy: .nan}}", "training.stop_when.accuracy is nan; allowed: a number."),
        ("training: {stop_when: 1}", "training.stop_when is 1; allowed: a mapping, each value a number."),
        ("training: {steps: -1}", "line 4: training.steps is -1; allowed: a whole number of at least 0."),
        ("training: {steps: 1.5}", "training.steps is 1.5; allowed: a whole number of at least 0."),
        (
            "training: {steps: 1_000}",
            "training.steps is '1_000'; allowed: a whole number of at least 0.\nWrite 1000.",
        ),
        ("training: {steps: 0x10}", "Write 16."),
        (
            "training: {steps: 1e3}",
            "training.steps is 1000.0; allowed: a whole number of at least 0.\nWrite 1000.",
        ),
        ("training: {steps: true}", "training.steps is true; allowed: a whole number"),
        ("training: {optimizer: adm}", "'adm'; allowed: sgd, rmsprop, adam, adamw.\nDid you mean 'adam'?"),
        ("training:", "line 4: training has no value; allowed: a mapping."),
        ("training: 5", "line 4: training is 5; allowed: a mapping."),
        ("seed:", "line 4: seed has no value; allowed: a whole number from 0 to 4294967295."),
        ("seed: 4294967296", "seed is 4294967296; allowed"),
        ("seed: " + "9" * 4000, "seed is 99999"),
        ("seed: [1]", "seed is [1]; allowed: a whole number"),
        ("summary: 5", "summary is 5; allowed: text."),
        ("compute: {threads: 0}", "compute.threads is 0; allowed: a whole number from 1 to 1024, or null."),
        ("presets: 5", "presets is 5; allowed: a mapping"),
        ("presets: {easy: 5}", "line 4: presets.easy is 5; allowed: a mapping."),
        (
            "kind: trian",
            "line 4: kind is 'trian'; allowed: compare, cures, gradients, lags, memory-gates, train, variants, worked-example.\nDid you mean 'train'?",
        ),
        ("kind: [1]", "kind is [1]; allowed: compare"),
        ("kind:", "kind is null; allowed: compare"),
    ],
)
def test_a_bad_value_is_shown_with_its_line_and_what_is_allowed(text, said):
    assert said in message(text)
    assert message(text).startswith("mine.yaml, line 4")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "experiment: mine",
            "mine.yaml: the setting 'task' is missing.\nmine.yaml: the setting 'model' is missing.",
        ),
        ("experiment: mine", "Write for example `task: {name: temporal-order}`."),
        ("experiment: mine\ntask: hello\nmodel: {}", "line 2: task is 'hello'; allowed: a mapping."),
        ("experiment: mine\ntask: hello\nmodel: {}", "line 3: the setting 'model.name' is missing."),
        ("experiment: mine\ntask: hello\nmodel: {}", "Write `task: {name: hello}`"),
        ("experiment: ../mine", "line 1: experiment is '../mine'; allowed: text (the name, for run folders"),
        (
            "kind: compare\nexperiment: mine\non: hello\nmodels: []",
            "models is []; allowed: a list of at least one",
        ),
        ("kind: compare\nexperiment: mine\non: hello\nmodels: lstm", "models is 'lstm'; allowed: a list"),
        (
            "kind: compare\nexperiment: mine\non: hello\nmodels: [a, 1]",
            "line 4: models.1 is 1; allowed: text.",
        ),
        ("kind: compare\nexperiment: mine", "the setting 'on' is missing"),
        (
            "kind: gradients\nexperiment: mine\nmodels: [a]\nlags: 0",
            "line 4: lags is 0; allowed: a whole number from 1",
        ),
        ("kind: gradients\nexperiment: mine\nmodels: [a]\ninput_std: .nan", "line 4: input_std is nan"),
    ],
)
def test_what_is_missing_and_the_other_kinds(text, said):
    assert said in message(text, base="")


def test_several_mistakes_are_told_together_but_not_hundreds():
    told = message("training: {steps: -1}\nseed: -1\nsumary: a")
    assert [line for line in ("training.steps", "seed", "sumary") if line not in told] == []
    assert len(message("\n".join(f"k{i}: 1" for i in range(1000))).splitlines()) < 15


def test_the_message_names_the_command_line_where_the_value_came_from_there():
    document = read_text(BASE + "seed: 1", "mine.yaml").override("seed", -1)
    with pytest.raises(SettingsError, match="On the command line: seed is -1"):
        check(document)


@given(st.floats(min_value=1e-300, max_value=100))
@settings(max_examples=50)
def test_numbers_pass_through_file_and_check_unchanged(rate):
    experiment = check(read_text(BASE + f"training: {{learning_rate: {rate!r}}}", "mine.yaml"))
    assert experiment.training.learning_rate == rate
    assert check(read_text(dump(experiment.model_dump()), "dumped")) == experiment
