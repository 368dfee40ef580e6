import pytest

from seqlab import errors


def test_every_error_has_its_exit_code():
    ours = [
        cls for cls in vars(errors).values() if isinstance(cls, type) and cls.__module__ == errors.__name__
    ]
    ours = [cls for cls in ours if not issubclass(cls, Warning)]  # a remark ends nothing
    assert all(issubclass(cls, errors.SeqlabError) for cls in ours)
    codes = {cls.__name__: cls.exit_code for cls in ours}
    assert codes == {
        "SeqlabError": 1,
        "EngineError": 1,
        "RunFailedError": 1,
        "NonFiniteLossError": 1,
        "UsageError": 2,
        "SettingsError": 2,
        "PluginError": 2,
        "TextError": 2,
        "NotInstalledError": 2,
        "UnreachableError": 2,
        "RunFolderError": 2,
        "UnknownNameError": 2,
        "Interrupted": 130,
    }


def test_the_hint_follows_the_message():
    assert str(errors.SettingsError("seed is -1.", hint="Write 1.")) == "seed is -1.\nWrite 1."
    assert str(errors.SettingsError("seed is -1.")) == "seed is -1."


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("LSTM", ["gru", "lstm"], "Did you mean 'lstm'? Known models: gru, lstm."),
        ("Tow", ["One", "Two"], "Did you mean 'Two'? Known models: One, Two."),
        ("qqq", ["lstm", "gru"], "Known models: gru, lstm."),
        ("lstm", [], "There is no model yet."),
    ],
)
def test_an_unknown_name_is_answered_with_what_there_is(name, known, hint):
    error = errors.UnknownNameError("model", name, known)
    assert (error.message, error.hint, error.name) == (f"Unknown model {name!r}.", hint, name)
