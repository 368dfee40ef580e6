"""Text coloured by a unit: every character is there, in the colour of its value."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest

from seqlab.analysis.cells import Finding, Passage, Unit
from seqlab.figures.cells import LIMIT, WIDTH, cells_page, colours, passages_figure

TEXT = "if a < b & c:\n    $x$ = '" + "y" * 90 + "'\n"
FINDING = Finding("inside <quotes>", "AUC", Unit("", "c", 7), 0.97, -1, 0.61, np.zeros(3), 0.2, None)
VALUES = np.linspace(-3, 3, len(TEXT))
PASSAGE = Passage(FINDING, TEXT, VALUES)


def test_the_page_holds_the_text_in_its_colours_and_nothing_from_outside() -> None:
    page = cells_page([PASSAGE], "a run")
    (shown,) = re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)
    assert unescape(re.sub(r"<[^>]+>", "", shown)).replace(" \n", "\n") == TEXT
    assert "inside &lt;quotes&gt;: c[7], AUC 0.970 (luck 0.610), lower with it" in page
    assert "http" not in page
    assert "<script" not in page
    first, last = re.findall(r'<b class="s(\d+)">', shown)[:: len(re.findall("<b ", shown)) - 1]
    assert f"b.s{first} {{ background: {colours(-LIMIT)[0]};" in page
    assert f"b.s{last} {{ background: {colours(LIMIT)[0]};" in page


def test_colours_are_centred_and_their_signs_can_be_read() -> None:
    back, ink = colours(0.0)
    red, green, blue = (int(back[k : k + 2], 16) for k in (1, 3, 5))
    assert max(red, green, blue) - min(red, green, blue) <= 2
    assert ink == "#000000"
    assert colours(LIMIT)[1] == colours(-LIMIT)[1] == "#ffffff"
    assert int(colours(1.0)[0][1:3], 16) > int(colours(1.0)[0][5:7], 16)  # red above


def test_the_picture_puts_each_value_where_its_character_stands() -> None:
    figure = passages_figure([PASSAGE, PASSAGE], "a run")
    ax = figure.axes[0]
    grid = np.asarray(ax.get_images()[0].get_array())
    assert grid.shape == (3, WIDTH)  # the long line goes on in the next row
    assert grid[0, 0] == VALUES[0]
    assert grid[1, 0] == VALUES[14]
    assert grid[2, 0] == VALUES[14 + WIDTH]
    assert np.isnan(grid[0, 14])
    signs = {(text.get_position()): text.get_text() for text in ax.texts}
    assert signs[(5, 0)] == "<"
    assert signs[(4, 1)] == r"\$"
    assert ax.get_title(loc="left") == FINDING.summary
    assert ax.get_images()[0].get_clim() == (-LIMIT, LIMIT)


def test_the_picture_is_as_wide_as_its_text_and_its_title_is_whole() -> None:
    narrow, title = Passage(FINDING, "one\ntwo\n", VALUES[:8]), "a long name of a run, " * 8
    figure = passages_figure([narrow], title)
    assert figure.get_figwidth() < passages_figure([PASSAGE], "a run").get_figwidth()
    assert figure.get_suptitle().replace("\n", " ") == title.strip()
    figure.draw_without_rendering()
    for text in (*figure.texts, figure.axes[0].title):
        assert text.get_window_extent().x1 <= figure.bbox.width


@pytest.mark.filterwarnings("ignore::seqlab.errors.Remark")
def test_wide_signs_take_two_columns() -> None:
    figure = passages_figure([Passage(FINDING, "a\u3042b", VALUES[:3])], "a run")
    grid = np.asarray(figure.axes[0].get_images()[0].get_array())
    assert list(grid[0, :4]) == [VALUES[0], VALUES[1], VALUES[1], VALUES[2]]
