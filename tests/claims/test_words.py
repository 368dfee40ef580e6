"""What is said of words: their nearest neighbours, their sentiment, their translation. Trained as shipped."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from seqlab.analysis.vectors import Query, neighbours, vectors_of
from seqlab.comparison.statistics import paired_difference
from seqlab.configure import load_settings
from seqlab.session import begin, load_language_model, train
from seqlab.settings import TrainExperiment
from seqlab.text.parallel import DICTIONARY

pytestmark = pytest.mark.slow

KINDS = {
    "he": "she it they we I you He She They We It You",
    "him": "her them me us himself herself",
    "my": "your his her their our its",
    "two": "three four five six seven eight nine ten twenty",
    "Monday": "Tuesday Wednesday Thursday Friday Saturday Sunday",
    "mother": "father sister brother aunt uncle daughter son wife husband cousin",
    "brother": "sister mother father uncle aunt son daughter cousin nephew",
    "could": "can would should might must may will shall cannot",
    "was": "is were been be am are had",
    "has": "had have having is",
    "morning": "evening afternoon night day noon",
    "week": "month year day hour fortnight months weeks days hours years minutes",
    "Mr": "Mrs Miss Sir Lady Captain Colonel Dr",
    "Emma": "Harriet Elizabeth Jane Fanny Anne Elinor Marianne Catherine Lydia Kitty Mary",
    "Darcy": "Bingley Wickham Collins Knightley Weston Elton Churchill Crawford Wentworth Willoughby",
    "London": "Bath Highbury Netherfield Hartfield Longbourn Rosings Mansfield Portsmouth Lyme Kellynch town",
    "who": "which whom whose what where when that",
    "this": "that these those",
    "walked": "went came ran sat rode stood turned walk walking",
    "happy": "glad sorry pleased delighted miserable unhappy sad cheerful grateful",
}
"""Twenty words and others of their kind, written down before anything was trained."""


@pytest.fixture(autouse=True)
def _runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQLAB_RUNS_DIR", str(tmp_path / "runs"))


@pytest.fixture
def novels(tmp_path: Path) -> Path:
    script = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "novels.py"))
    file = Path(os.environ.get("SEQLAB_NOVELS", str(script["FILE"])))
    if not file.is_file():
        pytest.skip("needs the Debian package r-cran-janeaustenr, or its Rdata.rdb, named by SEQLAB_NOVELS")
    path = tmp_path / "novels.txt"
    path.write_text(script["novels"](file), encoding="utf-8")
    return path


def trained(name: str, seed: int, *words: str) -> tuple[Any, dict[str, Any]]:
    experiment, _ = load_settings(name, seed=seed, overrides=words)
    assert isinstance(experiment, TrainExperiment)
    run, session = begin(experiment, command="test")
    return run, train(run, session)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_most_words_lie_beside_one_of_their_kind(novels: Path, seed: int) -> None:
    run, _ = trained("word-vectors", seed, f"task.corpus={novels}")
    model, vocabulary = load_language_model(run)
    vectors = vectors_of(model, "skip-gram")
    nearest = {word: neighbours(vectors, vocabulary, Query((word,)), 1)[0].word for word in KINDS}
    right = [word for word, found in nearest.items() if found in KINDS[word].split()]
    assert len(right) >= 15, nearest


def test_the_sentiment_of_a_word_is_in_the_order_of_its_letters() -> None:
    pytest.importorskip("vaderSentiment")
    found = []
    for seed in range(1, 11):
        run, summary = trained("word-sentiment", seed)
        bag = run.info().extra["guess"]["held_out"]["figures"]["rank_correlation"]
        found.append(summary["held_out"]["rank_correlation"])
        assert found[-1] > bag + 0.3
    assert mean(found) > 0.65


def test_attention_translates_better_than_one_vector_does() -> None:
    pytest.importorskip("sacrebleu")
    dictionary = os.environ.get("SEQLAB_DICTIONARY", str(DICTIONARY))
    if not Path(dictionary).is_file():
        pytest.skip("needs the Debian package trans-de-en, or its file, named by SEQLAB_DICTIONARY")
    attention, vector = (
        [
            trained("translate", seed, f"task.pairs={dictionary}", f"model.attention={kind}")[1]["trials"]
            for seed in (1, 2, 3)
        ]
        for kind in ("additive", "none")
    )
    gain = {
        metric: paired_difference(
            *([trials["written"][metric] for trials in seeds] for seeds in (attention, vector))
        )
        for metric in ("chrf", "bleu")
    }
    assert gain["chrf"].interval is not None
    assert gain["chrf"].interval.low > 0, gain
    assert gain["bleu"].mean > 0, gain  # of so few words right its interval may hold nought
