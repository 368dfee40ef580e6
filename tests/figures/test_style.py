"""A model looks the same in every picture, and every sign can be drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from seqlab.errors import Remark
from seqlab.figures import glyphs
from seqlab.figures.comparison import learning_curves
from seqlab.figures.curves import curves
from seqlab.figures.style import COLOURS, WELL_KNOWN, lines_of, look, save
from seqlab.registry import names

RECORDS = [
    {"sequences": k, "loss": 1 / k, "validation_accuracy": k / 9, "validation_loss": 1.0} for k in (1, 2, 3)
]
RUN = ([1.0, 2.0], [0.5, 1.0])


def colour_of(figure: Figure, label: str) -> object:
    legends = [*figure.legends, *filter(None, (ax.get_legend() for ax in figure.axes))]
    (found,) = (
        line.get_color()
        for legend in legends
        for line, text in zip(legend.get_lines(), legend.get_texts(), strict=True)
        if text.get_text() == label
    )
    return found


def test_a_model_has_one_colour_in_every_picture() -> None:
    alone = learning_curves({"lstm": [RUN]}, "accuracy")
    third = learning_curves({"gru": [RUN], "rnn": [RUN], "lstm": [RUN]}, "accuracy")
    runs = curves([("one", RECORDS), ("two", RECORDS)], models=["gru", "lstm[hidden_size=4]"])
    wanted = colour_of(alone, "lstm")
    assert colour_of(third, "lstm") == colour_of(runs, "two") == wanted
    assert colour_of(third, "gru") == colour_of(runs, "one") != wanted


def test_what_is_shipped_has_colours_of_its_own() -> None:
    assert set(WELL_KNOWN) <= set(names("model"))
    colours = [style["color"] for style in lines_of(WELL_KNOWN)]
    assert len(set(colours)) == len(COLOURS)
    assert lines_of(["lstm", "gru", "hyper-rnn", "mut1"])[:2] == lines_of(["lstm", "gru"])
    assert len({style["color"] for style in lines_of(["lstm", "gru", "hyper-rnn", "mut1", "lru"])}) == 5


def test_variants_are_shades_and_own_models_keep_clear_of_others() -> None:
    plain, variant, other = lines_of(["lstm", "lstm[chrono=100]", "gru"])
    assert plain["color"] != variant["color"] != other["color"]
    assert len({style["linestyle"] + style["marker"] for style in (plain, variant, other)}) == 3
    assert lines_of(["cells/mine.py"]) == lines_of(["mine.py"]) == lines_of(["mine.py:Cell[hidden_size=3]"])
    for own in ("a.py", "b.py", "c.py", "d.py", "e.py", "f.py"):
        mine, *others = lines_of([own, "lstm", "gru", "rnn"])
        assert mine["color"] not in [style["color"] for style in others]
    assert len({tuple(style.values()) for style in lines_of(["lstm"] * 100)}) == 100


def test_signs_without_a_font_are_drawn_as_numbers_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "can_draw", lambda sign: sign.isascii())
    with pytest.warns(Remark, match="fonts-noto-cjk"):
        assert glyphs.drawable("a 한") == r"a \ud55c"
    with pytest.warns(Remark):
        assert glyphs.drawable("한") == "D5\n5C"
    assert glyphs.drawable("plain") == "plain"


def test_a_font_that_is_there_is_used_for_what_the_first_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        glyphs.font_manager, "get_font_names", lambda: ["NanumGothic", "DejaVu Sans", "Other"]
    )
    assert glyphs.families.__wrapped__()["font.family"] == ["DejaVu Sans", "NanumGothic"]


def test_a_picture_is_the_same_whatever_else_is_written_before_it(tmp_path: Path) -> None:
    seen = []
    for formats in (("png",), ("svg",), ("svg", "png"), ("png", "svg", "pdf")):
        with look():
            figure = Figure(figsize=(4, 3))
            left, right = figure.subplots(1, 2)
            left.plot([1, 200_000], label="a name that needs room")
            right.set(title="two", ylabel="nats")
            figure.legend(loc="outside lower center")
        paths = save(figure, tmp_path / "-".join(formats), formats)
        seen += [(path.suffix, path.read_bytes()) for path in paths if path.suffix != ".pdf"]
    assert len(seen) == 6
    assert len(set(seen)) == 2


def test_a_picture_is_laid_out_once_for_all_formats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with look():
        figure = Figure()
        figure.subplots().plot([1, 2])
    laid_out: list[Figure] = []
    monkeypatch.setattr(
        type(figure.get_layout_engine()), "execute", lambda self, figure: laid_out.append(figure)
    )
    save(figure, tmp_path / "all", ("png", "svg", "pdf"))
    assert laid_out == [figure]


def test_every_format_is_whole_and_the_same_twice(tmp_path: Path) -> None:
    for kind, begins in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        files = []
        for name in "ab":
            with look():
                figure = Figure(figsize=(2, 2))
                figure.subplots().plot(np.arange(3))
            (path,) = save(figure, tmp_path / name, [kind])
            files.append(path.read_bytes())
        assert files[0].startswith(begins)
        assert files[0] == files[1]
