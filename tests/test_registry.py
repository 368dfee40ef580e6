import ast
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Annotated

import pytest
from pydantic import Field

import seqlab
from seqlab import plugins, registry
from seqlab.constructors import options_model
from seqlab.errors import PluginError, SettingsError, UnknownNameError, UsageError
from seqlab.settings import Component, read_text

FOLDER = Path(seqlab.__file__).parent
CELL = """
from seqlab.models import Cell

class {name}(Cell):
    '''A cell of one's own.'''

    def __init__(self, input_size, hidden_size, *, leak: float = 0.5):
        super().__init__(input_size, hidden_size)

    def step(self, x, state):
        return state
"""


@pytest.fixture
def plugin(tmp_path):
    def write(*parts, name="my_cell.py"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(dedent(part) for part in parts))
        return str(file)

    return write


@pytest.mark.parametrize("kind", ["model", "task"])
def test_names_and_summaries_are_those_of_the_files(kind):
    listed = registry.entries(kind)
    assert [(entry.family, entry.name) for entry in listed] == sorted(
        (entry.family, entry.name) for entry in listed
    )
    entries = {entry.name: entry for entry in listed}
    assert sorted(entries) == registry.names(kind)
    files = [file for file in (FOLDER / f"{kind}s").glob("*/*.py") if not file.name.startswith("_")]
    assert len(files) == len(listed) == len(entries) > 0  # a name is unique over families
    for file in files:
        entry = entries[file.stem.replace("_", "-")]
        assert entry.family == file.parent.name
        assert entry.summary == ast.get_docstring(ast.parse(file.read_text())).splitlines()[0].rstrip(". ")


@pytest.mark.parametrize("kind", ["model", "task"])
def test_every_registered_component_loads_and_has_options(kind):
    for name in registry.names(kind):
        cls = registry.load(kind, name)
        assert cls.component == kind
        assert "name" not in options_model(cls).model_fields


def test_listing_imports_nothing_that_is_listed():
    code = """
import sys
from seqlab.registry import entries
assert entries("model") and entries("task")
heavy = {"torch", "numpy", "matplotlib", "scipy", "pydantic"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)


@pytest.mark.parametrize("name", ["lsmt", "LSTM", "temporal_order", "../lstm", "_base", "", "lstm.pyc"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(UnknownNameError, match="Unknown model"):
        registry.load("model", name)


@pytest.mark.parametrize(
    ("name", "path", "cls"),
    [
        ("my_cell.py", "my_cell.py", None),
        ("my_cell.py:MyCell", "my_cell.py", "MyCell"),
        ("a:b/my_cell.py", "a:b/my_cell.py", None),
        ("a.py:b/my_cell.py:C", "a.py:b/my_cell.py", "C"),
        ("C:\\cells\\my_cell.py", "C:\\cells\\my_cell.py", None),
        ("C:\\cells\\my_cell.py:MyCell", "C:\\cells\\my_cell.py", "MyCell"),
        ("my.py.py", "my.py.py", None),
    ],
)
def test_path_and_class_of_a_plugin_are_told_apart(name, path, cls):
    assert plugins.is_plugin(name)
    assert plugins.parts(name)[0] == Path(path).resolve()
    assert plugins.absolute(name) == str(Path(path).resolve()) + (f":{cls}" if cls else "")
    assert plugins.absolute(plugins.absolute(name)) == plugins.absolute(name)


@pytest.mark.parametrize("name", ["lstm", "my_cell", "my_cell.py:", "my_cell.py:1", ".py", "my_cell.pyx"])
def test_other_names_are_no_plugins(name):
    assert not plugins.is_plugin(name)
    assert plugins.absolute(name) == name


def test_a_plugin_is_used_only_after_it_was_admitted(plugin, tmp_path, monkeypatch):
    name = plugin(CELL.format(name="MyCell"), f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    with pytest.raises(PluginError) as caught:
        registry.load("model", name)
    assert caught.value.hint == f"If you trust it, add: --model {name}"
    document = read_text(f"model: {{name: {name}}}", "mine.yaml")
    with pytest.raises(PluginError, match=r"mine\.yaml, line 1: .*it runs only when it is named"):
        registry.check_options("model", Component(name=name), document)
    assert not (tmp_path / "ran").exists()
    monkeypatch.chdir(tmp_path)
    plugins.admit("my_cell.py")
    assert (
        registry.load("model", name).__name__
        == registry.load("model", "my_cell.py:MyCell").__name__
        == "MyCell"
    )
    assert registry.load("model", name) is registry.load("model", "./my_cell.py")
    checked = registry.check_options("model", Component(name="my_cell.py", leak=1), document)
    assert (checked.name, checked.options["leak"]) == (name, 1.0)


def test_a_plugin_with_several_components_needs_a_class_named(plugin):
    name = plugin(CELL.format(name="One"), CELL.format(name="Two"), CELL.format(name="_Hidden"))
    plugins.admit(name)
    with pytest.raises(PluginError, match="holds several models") as caught:
        registry.load("model", name)
    assert caught.value.hint == f"Name one of them: {name}:One, {name}:Two"
    assert registry.load("model", f"{name}:Two").__name__ == "Two"
    with pytest.raises(PluginError, match="holds no model 'Tow', but One, Two, _Hidden") as unknown:
        registry.load("model", f"{name}:Tow")
    assert "Did you mean 'Two'?" in unknown.value.hint


def test_a_plugin_without_a_component_is_told_what_one_is(plugin):
    name = plugin("from seqlab.models import Cell\nx = 1")
    plugins.admit(name)
    with pytest.raises(PluginError, match="holds no model") as caught:
        registry.load("model", name)
    assert "derived from seqlab.models.Cell" in caught.value.hint
    with pytest.raises(PluginError, match="holds no task"):
        registry.load("task", name)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\ndef f(:\n", "my_cell.py, line 2: SyntaxError: invalid syntax"),
        ("x = 1\n\nx / 0\n", "my_cell.py, line 3: ZeroDivisionError: division by zero"),
        (
            "import json\n\n\ndef f():\n    return json.loads('?')\n\nf()",
            "my_cell.py, line 5: JSONDecodeError",
        ),
        (
            "import no_such_module",
            "my_cell.py, line 1: ModuleNotFoundError: No module named 'no_such_module'",
        ),
        ("import sys\nsys.exit(0)", "my_cell.py, line 2: SystemExit: 0"),
        ("x = '\0'", "my_cell.py"),
    ],
)
def test_the_line_of_an_error_in_a_plugin_is_named(plugin, source, said):
    name = plugin(source)
    with pytest.raises(PluginError) as caught:
        plugins.admit(name)
    assert said in caught.value.message
    with pytest.raises(PluginError, match="it runs only when"):
        registry.load("model", name)


def test_files_that_cannot_be_admitted(tmp_path):
    (tmp_path / "folder.py").mkdir()
    for name in ("absent.py", "folder.py"):
        with pytest.raises(PluginError, match=r"There is no file|Cannot read"):
            plugins.admit(str(tmp_path / name))
    with pytest.raises(UsageError, match=r"No file can be called .* that has 5,003 bytes"):
        plugins.admit("x" * 5000 + ".py")
    with pytest.raises(PluginError, match="is not the path of a Python file"):
        plugins.admit("lstm")


def test_dataclasses_work_in_a_plugin(plugin):
    plugins.admit(plugin("from dataclasses import dataclass\n@dataclass\nclass A:\n    x: 'int' = 1\n"))


class Network:
    def __init__(
        self, spec, *, hidden_size: int = 32, layers: Annotated[int, Field(ge=1)] = 1, **cell: object
    ):
        pass


class Base:
    network = Network

    def __init__(self, size, *, leak: float = 0.5, unseen: int = 0):
        pass


class Passing(Base):
    def __init__(self, size, *, leak: float = 0.1, own: str, **options: object):
        pass


class Closed(Base):
    def __init__(self, size, *, own: bool = False):
        pass


def test_options_are_keyword_arguments_of_the_class_its_bases_and_its_network():
    fields = options_model(Passing).model_fields
    assert set(fields) == {"own", "leak", "unseen", "hidden_size", "layers"}
    assert fields["leak"].default == 0.1
    assert fields["own"].is_required()
    assert set(options_model(Closed).model_fields) == {"own", "hidden_size", "layers"}


class Odd:
    def __init__(self, *, x: "Missing" = 1):  # noqa: F821
        pass


class Odder:
    def __init__(self, *, x: ast.AST | None = None):
        pass


@pytest.mark.parametrize("cls", [Odd, Odder])
def test_annotations_that_no_setting_can_have_are_refused(cls):
    with pytest.raises(PluginError, match=f"The settings of {cls.__name__} cannot be read"):
        options_model(cls)


def test_options_are_checked_and_filled_in():
    document = read_text("model:\n  name: lstm\n  hidden_sise: 8\n  forget_bias: .nan\n", "mine.yaml")
    with pytest.raises(SettingsError) as caught:
        registry.check_options("model", Component(**document.data["model"]), document)
    assert "mine.yaml, line 3: there is no setting 'model.hidden_sise'." in caught.value.message
    assert "mine.yaml, line 4: model.forget_bias is nan; allowed: a number." in caught.value.message
    assert "Did you mean 'hidden_size'?" in caught.value.hint
    with pytest.raises(SettingsError, match=r"mine\.yaml, line 2: Unknown model 'lsmt'"):
        registry.check_options("model", Component(name="lsmt"), document)
    assert registry.check_options("model", Component(name="lstm"), document).options["forget_bias"] == 1.0


def test_a_size_that_a_model_does_not_take_is_refused_where_it_was_written():
    document = read_text("model:\n  name: transformer\n  hidden_size: 30\n", "mine.yaml")
    with pytest.raises(SettingsError) as caught:
        registry.check_options("model", Component(**document.data["model"]), document)
    assert caught.value.message == (
        "mine.yaml, line 3: model.hidden_size is 30, which transformer does not take."
    )
    assert caught.value.hint == "Set model.hidden_size=32."


def test_replacing_a_model_keeps_the_size_and_drops_what_was_the_old_cells_own():
    old = Component(name="lstm", hidden_size=8, layers=2, forget_bias=3.0)
    new = registry.replace_component("model", old, Component(name="rnn", layers=1))
    assert (new.name, new.options) == ("rnn", {"hidden_size": 8, "layers": 1})
    same = registry.replace_component("model", old, Component(name="lstm", layers=1))
    assert same.options == {"hidden_size": 8, "layers": 1, "forget_bias": 3.0}
    stack = registry.replace_component("model", old, Component(name="transformer", heads=3))
    assert stack.options == {"hidden_size": 6, "layers": 2, "heads": 3}  # the nearest size that it takes
    back = registry.replace_component("model", stack, Component(name="gru", layers=1))
    assert back.options == {"hidden_size": 6, "layers": 1}
    task = registry.replace_component("task", Component(name="hello"), Component(name="temporal-order"))
    assert (task.name, task.options) == ("temporal-order", {})


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("lstm", "lstm", {}),
        (" lstm[] ", "lstm", {}),
        ("lstm[hidden_size=8, layers=2]", "lstm", {"hidden_size": 8, "layers": 2}),
        ("a/my_cell.py:MyCell[leak=1e-3]", "a/my_cell.py:MyCell", {"leak": 1e-3}),
        ("x[widths=[1, 2],on=true]", "x", {"widths": [1, 2], "on": True}),
    ],
)
def test_references_are_read(text, name, options):
    component = registry.parse_reference(text)
    assert (component.name, component.options) == (name, options)


@pytest.mark.parametrize(
    "text", ["", "  ", "[a=1]", "lstm[a=1", "lstm]", "lstm[a=1]b", "lstm[8]", "lstm[name=gru]", "lstm[a=*x]"]
)
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(SettingsError):
        registry.parse_reference(text)
