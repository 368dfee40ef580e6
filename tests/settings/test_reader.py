import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seqlab.errors import SettingsError, UsageError
from seqlab.settings import dump, read_file, read_text, read_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        (".5", 0.5),
        ("1.", 1.0),
        ("-2", -2),
        ("+7", 7),
        ("007", 7),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'null'", "null"),
        ('"1e-3"', "1e-3"),
        (".inf", float("inf")),
        ("[1, 1e-3, a, [true]]", [1, 0.001, "a", [True]]),
        ("{a: 1, b: {c: no}}", {"a": 1, "b": {"c": "no"}}),
        ("a.b/c-d", "a.b/c-d"),
        ('"#hash"', "#hash"),
        ("=", "="),
    ],
)
def test_scalars_follow_yaml_1_2(text, value):
    found = read_value(text)
    assert (found, type(found)) == (value, type(value))
    assert read_text(f"key: {text}", "mine.yaml").data == {"key": value}


def test_every_key_knows_its_line():
    document = read_text(
        "seed: 1\n\ntraining:\n  # a comment\n  steps: 5\nmodels:\n- {name: a}\n- b\n", "mine.yaml"
    )
    assert document.where("training.steps") == "mine.yaml, line 5"
    assert document.where("training.unwritten") == "mine.yaml, line 3"
    assert document.where("models.0.name") == "mine.yaml, line 7"
    assert document.where("unwritten") == "mine.yaml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "mine.yaml is empty"),
        ("# nothing\n", "mine.yaml is empty"),
        ("- a\n- b", "mine.yaml holds a list"),
        ("hello", "mine.yaml holds text"),
        ("5", "mine.yaml holds a number"),
        ("true", "mine.yaml holds true or false"),
        ("a: &x [1, 1]\nb: [*x, *x]", "line 1, column 4: an anchor (&...) is not allowed"),
        ("a: 1\nb: *x", "line 2, column 4: an alias (*...) is not allowed"),
        ("a: !!python/object/apply:os.system ['true']", "line 1, column 4: a tag (!...) is not allowed"),
        ("a: !!int 5", "a tag (!...) is not allowed"),
        ("a: 1\nb:\n  c: 1\n  c: 2", "line 4: the key 'b.c' stands here again; it is also on line 3"),
        ("a:\n\tb: 1", "line 2, column 1: not valid YAML: a tab where only spaces may stand"),
        ("a: " + "[" * 10_000, "nested deeper than 20 levels"),
        ("a: " + "{a: " * 10_000, "nested deeper than 20 levels"),
        ("\n".join(" " * depth + "a:" for depth in range(300)), "nested deeper than 20 levels"),
        ("a: 1\nb: \0", "line 2: not text: it holds the control character '\\x00'"),
        ('a: 1\nb: "\\e[31m"', "line 2: '\\x1b[31m' holds the control character '\\x1b'"),
        ('a: 1\n"\\a": 2', "line 2: '\\x07' holds the control character"),
        ('a: "\\ud800"', "holds the control character '\\ud800'"),
        ('a: "\\U99999999"', "line 1, column 7: an escape that stands for no character"),
        ("a: " + "9" * 6000, "line 1: a is a number of 6000 digits"),
        ("a: b: c", "line 1, column 5: not valid YAML: a second `:` in one line"),
        ("a: 1\n---\nb: 2", "line 2, column 1: not valid YAML: a second document"),
        ("a: [1, 2", "a list [...] that is not closed"),
        ("a: {b: 1", "a mapping {...} that is not closed"),
        ("a: 'x", "a quote that is not closed"),
        ("a: @x", "text that starts with a sign that YAML keeps for itself"),
        ('a: "\\q"', "a backslash in double quotes"),
        ("? [a]\n: b", "line 1: a key must be one word"),
        ("a:\n  b: 1\n c: 2", "line 3, column 2: not valid YAML: a line that is not indented"),
        ("a: 1\nhello\nb: 2", "line 3, column 1: not valid YAML: a line that is no `key: value`"),
    ],
)
def test_what_is_refused_is_named_with_its_line(text, said):
    with pytest.raises(SettingsError) as caught:
        read_text(text, "mine.yaml")
    assert said in caught.value.message
    assert caught.value.message.startswith("mine.yaml")
    assert caught.value.message.isprintable()


def test_an_alias_bomb_is_refused_before_it_unfolds():
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 100))
    with pytest.raises(SettingsError, match="anchor"):
        read_text(bomb, "mine.yaml")


@pytest.mark.parametrize("head", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path, head, end):
    file = tmp_path / "mine.yaml"
    file.write_bytes(head + end.join([b"seed: 3", b"training:", b"  steps: 5", b""]))
    document = read_file(file)
    assert document.data == {"seed": 3, "training": {"steps": 5}}
    assert document.where("training.steps").endswith("line 3")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "line 1: not text: byte 0x89 is not UTF-8"),
        (b"seed: 1\nname: \xff\xfe", "line 2: not text: byte 0xff is not UTF-8"),
        ("seed: 1".encode("utf-16"), "byte 0xff is not UTF-8"),
        (b"", "is empty"),
        (b"x: " + b"y" * 70_000, "more than 65,536 bytes"),
    ],
)
def test_files_that_are_no_settings(tmp_path, raw, said):
    file = tmp_path / "mine.yaml"
    file.write_bytes(raw)
    with pytest.raises(SettingsError) as caught:
        read_file(file)
    assert said in caught.value.message
    assert str(file) in caught.value.message


def test_a_huge_file_is_not_read_whole(tmp_path):
    file = tmp_path / "huge.yaml"
    with file.open("wb") as stream:
        stream.truncate(100 * 2**20)
    with pytest.raises(SettingsError, match="more than 65,536 bytes"):
        read_file(file)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_an_endless_file_is_not_read(tmp_path):
    with pytest.raises(UsageError, match="is no ordinary file"):
        read_file(Path("/dev/zero"))
    (tmp_path / "large.yaml").write_bytes(b"#" * 70_000)
    with pytest.raises(SettingsError, match="more than 65,536 bytes"):
        read_file(tmp_path / "large.yaml")


def test_folders_missing_and_forbidden_files(tmp_path, monkeypatch):
    with pytest.raises(SettingsError, match="is a folder, not a settings file"):
        read_file(tmp_path)
    with pytest.raises(SettingsError, match=r"There is no file .*absent\.yaml"):
        read_file(tmp_path / "absent.yaml")
    with pytest.raises(SettingsError, match="Cannot read"):
        read_file(tmp_path / ("x" * 5000))
    (tmp_path / "mine.yaml").write_text("seed: 1")

    def forbid(*_args, **_kwargs):
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(os, "open", forbid)
    with pytest.raises(SettingsError, match=r"Cannot read .*mine\.yaml: Permission denied"):
        read_file(tmp_path / "mine.yaml")


@given(st.text(st.characters(codec=None), max_size=200))
@example("{\x85:")
@example("? ? ?")
@example("a: |9\n x")
@example("%TAG ! x\n--- !a b")
@example('"\\U99999999"')
@settings(max_examples=60)
def test_any_text_gives_a_document_or_an_error_of_ours(text):
    with contextlib.suppress(SettingsError):
        read_text(text, "mine.yaml")


signs = [*"ab: \n[]{},'\"|>#%\\\t1e.-~?\r", ": ", "  ", "- ", "? ", "&x", "*x", "!t", "<<", "---", "..."]
yaml_like = st.lists(st.sampled_from(signs), max_size=40).map("".join)


@given(yaml_like)
@settings(max_examples=150)
def test_anything_like_yaml_gives_a_document_or_an_error_of_ours(text):
    for read in (lambda: read_text(text, "mine.yaml"), lambda: read_value(text)):
        with contextlib.suppress(SettingsError):
            read()


words = st.sampled_from(
    ["1e-3", "null", "true", "", "~", "no", "0x10", "1_000", ".5", "a: b", "# x", "- x", "!x"]
)
texts = words | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.just("\n"), max_size=120
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts.filter(bool), inner, max_size=3),
    max_leaves=12,
)


def kinds(value):
    """Values with their types, for 1 == 1.0 == True."""
    if isinstance(value, dict):
        return {key: kinds(inner) for key, inner in value.items()}
    return [kinds(inner) for inner in value] if isinstance(value, list) else (type(value), repr(value))


@given(st.dictionaries(texts.filter(bool), plain, min_size=1, max_size=4))
@example({"a": 1e-05, "b": "1e-3", "c": 1e22, "d": -0.0, "e": 5e-324, "f": "\u2028", "g": "\ufeff"})
@settings(max_examples=60)
def test_what_is_dumped_is_read_back_unchanged(data):
    assert kinds(read_text(dump(data), "dumped").data) == kinds(data)


def test_text_of_several_lines_is_dumped_beside_its_key():
    assert len(dump({"a": "one\ntwo\n\nthree " + "long " * 100}).splitlines()) == 1
