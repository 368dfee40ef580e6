"""Features of a text: against what can be seen with the eye, and one way of finding them against another."""

from __future__ import annotations

import inspect
import tokenize

import numpy as np
import pytest

from seqlab.analysis import features
from seqlab.analysis.features import begin_before, bracket_depth, features_of, language_of, marked, spread

PROGRAM = '''\
import os
class A:
    """Says 'so'."""
    def f(self, x):  # it's "one"
        if (x[1:2] or
                {"a": 1}) and x:
            return r'\\'' + f"{x}"
        return [y for y in x
                if y]
'''


def _shown(text: str, name: str) -> list[str]:
    """Return the stretches of a text that have a feature."""
    has = features_of(text)[name]
    assert has.dtype == bool
    stretches, before = [], False
    for sign, now in zip(text, has, strict=True):
        if now and not before:
            stretches.append("")
        if now:
            stretches[-1] += sign
        before = bool(now)
    return stretches


def test_python_is_read_as_its_tokenizer_reads_it() -> None:
    assert language_of(PROGRAM) == "python"
    assert _shown(PROGRAM, "inside quotes") == ['"""Says \'so\'.""', '"a', "'\\'", '"{x}']
    assert _shown(PROGRAM, "inside triple quotes") == ['"""Says \'so\'.""']
    assert _shown(PROGRAM, "inside plain quotes") == _shown(PROGRAM, "inside quotes")[1:]
    assert len(_shown(PROGRAM, "inside triple quotes or a comment")) == 2
    assert _shown(PROGRAM, "inside a comment") == ['# it\'s "one"']
    assert _shown(PROGRAM, "inside an if condition") == [' (x[1:2] or\n                {"a": 1}) and x']
    depth = features_of(PROGRAM)["bracket depth"]
    assert depth.max() == 2
    assert depth[-1] == 0
    assert depth.min() == 0


def test_reading_may_begin_shortly_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "BEFORE", 2 * len(PROGRAM))
    whole, tricky = 5 * PROGRAM, 'x = """\nso it\'s\n"""\n'
    for text, place in (
        (whole + tricky + whole, len(whole) + 10),
        (whole, 4 * len(PROGRAM) + 40),
        (PROGRAM, 9),
    ):
        begin = begin_before(text, place)
        assert max(0, place - 2 * len(PROGRAM)) <= begin <= place
        later = features_of(text[begin:])
        for name, values in features_of(text).items():
            assert (values[place:] == later[name][place - begin :]).all(), name


def test_a_program_that_does_not_parse_is_read_by_its_marks() -> None:
    broken = "        return 3)\n" + PROGRAM + "    x = (\n  y"
    with pytest.raises((tokenize.TokenError, IndentationError), match=r"unindent|EOF|dedent"):
        features._tokenized(broken)
    for name in ("inside quotes", "inside a comment"):
        assert _shown(broken, name) == _shown(PROGRAM, name)


def test_marks_and_tokenizer_agree_on_real_sources() -> None:
    text = "".join(map(inspect.getsource, (inspect, np.lib, pytest, features)))
    for by_marks, by_tokens in zip(
        features._matched(features._PYTHON_MARKS, text), marked(text, "python"), strict=True
    ):
        assert (spread(by_marks, len(text)) == spread(by_tokens, len(text))).all()


def test_c_and_prose_have_their_own_marks() -> None:
    program = '#include <a>\nint f(int x) { // it\'s\n  if (x > (1)) { g("a\\"b", \'"\'); } /* so\n */\n}\n'
    assert language_of(program) == "c"
    assert _shown(program, "inside a comment") == ["// it's", "/* so\n */"]
    assert _shown(program, "inside quotes") == ['"a\\"b', "'\""]
    assert _shown(program, "inside an if condition") == ["(x > (1)"]
    prose = 'He said "no\n\nand went. "Don\'t," she said.\n'
    assert _shown(prose, "inside quotes") == ['"n', "\"Don't,"]
    assert not _shown(prose, "inside a comment")
    assert not _shown(prose, "inside an if condition")


def test_lines_words_and_names() -> None:
    found = features_of("\nFIRST LORD:\nI go.\n\tSo\n")
    assert found["position in line"][:4].tolist() == [0, 1, 2, 3]
    assert found["indentation depth"][-4:].tolist() == [8, 8, 8, 8]
    assert _shown("\nFIRST LORD:\nI go.\n", "speaker's name") == ["FIRST LORD"]
    assert _shown("\nFIRST LORD:\nI go.\n", "word in capitals") == ["FIRST", "LORD"]
    assert _shown("a_1 b", "inside a word") == ["a_1", "b"]


@pytest.mark.parametrize("text", ["", "\n", ")", "'''", "a\r\n\fb", "\ud800"])
def test_every_text_has_every_feature_at_every_character(text: str) -> None:
    assert {len(values) for values in features_of(text).values()} == {len(text)}


def test_brackets_that_nothing_opened_count_for_nothing() -> None:
    assert bracket_depth(")])((").tolist() == [0, 0, 0, 1, 2]
