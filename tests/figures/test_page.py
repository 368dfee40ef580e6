"""The page of a comparison: well formed, escaped, alone sufficient, and drawn by a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from seqlab.analysis.cells import Finding, Passage, Unit
from seqlab.comparison.outcome import RunOutcome, summarise
from seqlab.comparison.verdict import verdict
from seqlab.comparison.wording import table
from seqlab.errors import RunFolderError
from seqlab.figures.cells import cells_page
from seqlab.figures.comparison import pictures
from seqlab.figures.page import page
from seqlab.figures.style import save

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
VOID = {"meta", "br", "img", "link", "hr"}
NASTY = '<script>alert("1 & 2")</script>'


class Reader(HTMLParser):
    """Collects what a page holds, and fails where an element is closed that was not opened last."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.ids += [str(found["id"])] if "id" in found else []
        self.links += [str(value) for key, value in attrs if key in ("href", "src", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.open and self.open[-1] != "style" else ""


def run(model: str, seed: int, solved: bool) -> RunOutcome:
    took = 1000 * seed if solved else None
    return RunOutcome(
        model, seed, "finished", 100, solved, took, took or 9000, 0.5 + seed / 20, 3, 2.0, 99, "r"
    )


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Make a comparison of two models with pictures, as `seqlab compare` keeps it, without training."""
    return made(tmp_path_factory.mktemp("report"), ("lstm", "rnn[hidden_size=27]"))


def made(folder: Path, names: tuple[str, str]) -> tuple[dict[str, Any], Path]:
    result = summarise(
        [run(name, seed, name == names[0]) for name in names for seed in range(1, 7)], "accuracy", True
    )
    curves = {
        name: [([1000, 3000, 9000], [0.3, 0.5, 0.6 + seed / 20]) for seed in range(6)] for name in names
    }
    figures = []
    for picture in pictures(result, curves, "validation accuracy"):
        _, svg = save(picture.figure, folder / picture.name)
        figures.append({"name": picture.name, "caption": picture.caption, "svg": svg.name})
    runs = [
        {"model": "lstm", "seed": 1, "status": "finished", "solved": True, "sequences_to_solve": 1000,
         "accuracy": 0.9, "id": "lstm-s1", "path": "../../lstm-s1", "level": None},
        {"model": NASTY, "seed": 2, "status": "failed", "failure": NASTY, "solved": None, "accuracy": None,
         "id": None, "path": None, "level": None},
    ]  # fmt: skip
    facts = {
        "on": "temporal-order", "question": f"Which? {NASTY}", "command": f"seqlab compare {NASTY}",
        "created": "2026-01-02T03:04:05+00:00", "seeds": [1, 2, 3, 4, 5, 6], "metric_name": "accuracy",
        "table": table(result), "verdict": verdict(result), "notes": [NASTY],
        "settings": {"training.steps": 12, "training.clip_norm": None},
        "differing": [{"level": None, "model": name, "settings": {"model.name": name}} for name in names],
        "runs": runs, "figures": figures,
        "environment": {"versions": {"torch": "2"}, "machine": {"cores": 2}, "git_commit": None},
    }  # fmt: skip
    return facts, folder


def test_the_page_is_well_formed_and_everything_is_escaped(comparison: tuple[dict[str, Any], Path]) -> None:
    html = page(*comparison)
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert "script" not in reader.tags
    assert reader.text.count(NASTY) == 5  # question, note, failure, run's model, command
    assert html.count("<!DOCTYPE") == 1
    assert reader.tags.count("svg") == 2  # the overview is left out


def test_the_page_needs_nothing_beside_it(comparison: tuple[dict[str, Any], Path]) -> None:
    html = page(*comparison)
    reader = Reader()
    reader.feed(html)
    outside = [link for link in reader.links if not link.startswith("#")]
    assert outside == ["../../lstm-s1/"]
    assert "@import" not in html
    assert all(part.startswith("#") for part in html.split("url(")[1:])
    assert all(link[1:] in reader.ids for link in reader.links if link.startswith("#"))


def test_what_a_reader_wants_is_there(comparison: tuple[dict[str, Any], Path]) -> None:
    facts, folder = comparison
    reader = Reader()
    reader.feed(page(facts, folder))
    for wanted in (
        *facts["table"][0].values(),
        facts["verdict"],
        "training.clip_norm",
        "null",
        "seqlab compare",
    ):
        assert wanted in reader.text.replace("\xa0", " ")
    assert "2026-01-02 03:04 UTC" in reader.text


def test_a_link_to_a_run_leads_nowhere_else(comparison: tuple[dict[str, Any], Path]) -> None:
    facts, folder = comparison
    runs = [facts["runs"][0] | {"path": "javascript:alert(1)//"}]
    reader = Reader()
    reader.feed(page(facts | {"runs": runs}, folder))
    assert [link for link in reader.links if not link.startswith("#")] == ["javascript%3Aalert%281%29///"]


def test_a_missing_picture_is_told(comparison: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"learning-curves\.svg is missing"):
        page(comparison[0], tmp_path)


def browse(file: Path, *options: str) -> str:
    """Open a page in a real browser; return what it says."""
    usual = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             f"--user-data-dir={file.parent / 'profile'}"]  # fmt: skip
    words = [str(CHROMIUM), *usual, *options, file.as_uri()]
    return subprocess.run(words, check=True, capture_output=True, timeout=60, text=True).stdout


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_in_a_browser_no_name_becomes_an_element(tmp_path: Path) -> None:
    """Not in the text, not in a picture, and not where the page's policy is taken out, which forbids scripts."""
    nasty = """</title></style></pre><script>document.title="ran"</script><img src="x" onerror="document.title='ran'">"""
    facts, folder = made(tmp_path, (nasty, "rnn"))
    whole = page(facts | {"on": nasty, "question": nasty, "verdict": nasty, "notes": [nasty]}, folder)
    policy = re.compile('<meta http-equiv="Content-Security-Policy"[^>]*>')
    assert policy.search(whole)
    finding = Finding(nasty, "AUC", Unit(nasty, "c", 7), 0.97, -1, 0.61, np.zeros(3), 0.2, None)
    cells = cells_page([Passage(finding, nasty, np.zeros(len(nasty)))], nasty)
    file = tmp_path / "page.html"
    for content in (policy.sub("", whole), cells):
        file.write_text(content)
        shown = browse(file, "--dump-dom")
        assert "&lt;script&gt;" in shown
        assert not re.search("<script|<img|<title>ran", shown)
    file.write_text(f"<title>{nasty}")
    assert "<title>ran" in browse(file, "--dump-dom"), "this browser would have run it"


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_a_browser_draws_it(
    comparison: tuple[dict[str, Any], Path], tmp_path: Path, width: int, scheme: str
) -> None:
    """The page is light or dark as the reader has it, and no picture's background stands out of it."""
    file, shot = tmp_path / "report.html", tmp_path / "shot.png"
    file.write_text(page(*comparison))
    options = ["--hide-scrollbars", f"--window-size={width},1600", f"--screenshot={shot}"]
    if scheme == "dark":
        options.append("--blink-settings=preferredColorScheme=0")
    browse(file, *options)
    image = imread(shot)[:, :, :3]
    assert image.shape[1] == width
    dark = image.mean(axis=-1) < 0.5
    share = dark.mean()
    assert share > 0.8 if scheme == "dark" else share < 0.2
    assert np.abs(image - image[0, 0]).max() > 0.5  # something is drawn
    right = image[:, -3:].reshape(-1, 3)  # nothing runs over the page's edge
    assert np.allclose(right, image[0, 0], atol=0.02)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("</svg>", "<script>alert(1)</script></svg>", "an element script"),
        ("</svg>", "<foreignObject><b>x</b></foreignObject></svg>", "an element foreignObject"),
        ("</svg>", '<a xlink:href="javascript:alert(1)"><path d="M 0 0"/></a></svg>', "an element a"),
        ('<g id="figure_1">', '<g id="figure_1" onload="alert(1)">', "onload='alert\\(1\\)'"),
        (
            "</svg>",
            '<image xlink:href="https://example.org/a.png"/></svg>',
            "href='https://example.org/a.png'",
        ),
        ("</svg>", "<![CDATA[<script>]]></svg>", "an entity or raw data"),
        ("</svg>", "", "no element found|mismatched tag"),
    ],
)
def test_what_is_more_than_a_picture_does_not_pass_into_the_page(
    comparison: tuple[dict[str, Any], Path], tmp_path: Path, old: str, new: str, said: str
) -> None:
    facts, folder = comparison
    shutil.copytree(folder, own := tmp_path / "own")
    assert "<svg" in page(facts, own)
    for path in own.glob("*.svg"):
        whole = path.read_text(encoding="utf-8")
        assert old in whole
        path.write_text(whole.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RunFolderError, match=said):
        page(facts, own)


def test_the_page_forbids_scripts_and_what_is_not_in_it(comparison: tuple[dict[str, Any], Path]) -> None:
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page(*comparison)


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [3], [{}], {"a": 1}])
def test_damaged_facts_are_refused_or_drawn_but_never_raise(
    comparison: tuple[dict[str, Any], Path], value: object
) -> None:
    facts, folder = comparison
    refused = 0
    for key in facts:
        try:
            page({**facts, key: value}, folder)
        except RunFolderError as error:
            refused += 1
            assert "damaged" in error.message  # noqa: PT017  (some values of some keys are as good as any)
    assert refused
