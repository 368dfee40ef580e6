import pytest

from seqlab.errors import UnknownNameError
from seqlab.settings import (
    apply_preset,
    check,
    experiment_names,
    preset_names,
    read_experiment,
    read_experiment_file,
    summary,
)


@pytest.mark.parametrize("name", experiment_names())
def test_every_shipped_experiment_is_right_with_each_of_its_presets(name):
    document = read_experiment(name)
    assert check(document).experiment == name
    assert summary(name) == document.data["summary"] != ""
    assert preset_names(name) == list(document.data.get("presets", {}))
    for preset in preset_names(name):
        check(apply_preset(document, preset))


def test_an_unknown_experiment_is_refused_with_the_nearest():
    for read in (read_experiment, summary, preset_names):
        with pytest.raises(UnknownNameError) as caught:
            read("helo")
        assert "Did you mean 'hello'?" in caught.value.hint
    with pytest.raises(UnknownNameError):
        read_experiment("../experiments/hello")


@pytest.mark.parametrize(
    ("file", "name"),
    [("mine.yaml", "mine"), ("my file (2).yaml", "my-file-2"), ("..x.yaml", "x"), ("---.yml", "experiment")],
)
def test_a_file_without_a_name_takes_that_of_the_file(tmp_path, file, name):
    (tmp_path / file).write_text("task: {name: hello}\nmodel: {name: rnn}\n")
    assert check(read_experiment_file(tmp_path / file)).experiment == name
    (tmp_path / file).write_text("experiment: other\ntask: {name: hello}\nmodel: {name: rnn}\n")
    assert check(read_experiment_file(tmp_path / file)).experiment == "other"
