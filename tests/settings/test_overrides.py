import pytest

from seqlab.errors import SettingsError, UnknownNameError
from seqlab.settings import apply_overrides, apply_preset, parse_override, read_text

TEXT = """\
seed: 1
model: {name: lstm, hidden_size: 8}
training: {steps: 5, stop_when: {accuracy: 1.0}}
presets:
  short: {training.steps: 2, seed: 7}
  nested: {training: {steps: 3}, model: {layers: 2}}
  other: {model: {name: gru, layers: 2}}
  same: {model: {name: lstm, layers: 2}}
  through: {seed.x: 1}
  bad: {training.steps: many}
"""


@pytest.fixture
def document():
    return read_text(TEXT, "mine.yaml")


@pytest.mark.parametrize(
    "word", ["seed", "=3", "a..b=1", ".a=1", "a.=1", "a b=1", "seed-x=1", "a[0]=1", "", "--x=1"]
)
def test_a_word_that_is_no_setting_is_refused(word):
    with pytest.raises(SettingsError) as caught:
        parse_override(word)
    assert caught.value.message == f"On the command line: {word!r} is not a setting."
    assert "key=value" in caught.value.hint


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("a=[1, 2", "On the command line, in 'a=[1, 2': line 1, column 6"),
        ("a=*x", "an alias (*...) is not allowed here"),
        ("a=!!python/name:os.system", "a tag (!...) is not allowed here"),
        ("a=#x", "'#x' holds no value"),
        ("a=1\n---\n2", "a second document"),
        ('a="\\e"', "holds the control character"),
    ],
)
def test_a_bad_value_is_refused_with_its_word(word, said):
    with pytest.raises(SettingsError) as caught:
        parse_override(word)
    assert said in caught.value.message
    assert caught.value.message.startswith("On the command line")


@pytest.mark.parametrize(
    ("word", "value"), [("a=b=c", "b=c"), ("a=", None), ("a=x: y", {"x": "y"}), ("a=no", "no")]
)
def test_the_value_is_all_that_follows_the_first_equals_sign(word, value):
    assert parse_override(word) == ("a", value)


def test_overrides_change_nothing_else(document):
    changed = apply_overrides(document, ["training.steps=10", "compute.threads=1"])
    assert changed.data["training"] == {"steps": 10, "stop_when": {"accuracy": 1.0}}
    assert changed.data["compute"] == {"threads": 1}
    assert document.data["training"]["steps"] == 5
    assert changed.where("training.steps") == "On the command line"
    assert changed.where("training.stop_when") == "mine.yaml, line 3"


def test_a_key_through_a_scalar_is_refused(document):
    with pytest.raises(SettingsError) as caught:
        apply_overrides(document, ["model.hidden_size.x=1"])
    assert "'model.hidden_size.x' cannot be set, because model.hidden_size is 8" in caught.value.message
    assert caught.value.message.startswith("On the command line")


def test_a_preset_is_laid_over_key_by_key(document):
    short = apply_preset(document, "short")
    assert (short.data["training"]["steps"], short.data["seed"]) == (2, 7)
    assert short.where("training.steps") == "mine.yaml, line 5"
    nested = apply_preset(document, "nested")
    assert nested.data["training"] == {"steps": 3, "stop_when": {"accuracy": 1.0}}
    assert nested.data["model"] == {"name": "lstm", "hidden_size": 8, "layers": 2}


def test_bad_presets(document):
    with pytest.raises(UnknownNameError) as unknown:
        apply_preset(document, "shrot")
    assert "Did you mean 'short'?" in unknown.value.hint
    with pytest.raises(SettingsError, match=r"mine\.yaml, line 9: 'seed\.x' cannot be set"):
        apply_preset(document, "through")
    with pytest.raises(SettingsError, match="has no presets"):
        apply_preset(read_text("seed: 1", "mine.yaml"), "short")
    for text in ("presets: 5", "presets: [short]", "presets: {short: 5}", "presets:\n  short:"):
        with pytest.raises(SettingsError, match=r"line [12]: presets.* allowed: a mapping"):
            apply_preset(read_text(text, "mine.yaml"), "short")


def test_a_mapping_made_by_the_command_line_is_said_to_stand_there(document):
    changed = apply_overrides(document, ["compute.threads.x=1"])
    assert changed.where("compute.threads") == changed.where("compute") == "On the command line"
    assert apply_overrides(document, ["model.x=1"]).where("model") == "mine.yaml, line 2"


def test_a_preset_that_names_another_model_takes_nothing_of_the_old_one(document):
    assert apply_preset(document, "other").data["model"] == {"name": "gru", "layers": 2}
    assert apply_preset(document, "same").data["model"] == {"name": "lstm", "hidden_size": 8, "layers": 2}
