"""`seqlab bench` as a user types it; what it measures is never judged here."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import Command


def test_a_quick_study_is_printed_drawn_and_kept(seqlab_command: Command, tmp_path: Path) -> None:
    words = ("bench", "mingru", "--quick", "--time", "2,4", "--batch", "1")
    result = seqlab_command(*words)
    assert result.returncode == 0, result.stderr
    assert "time grows; hidden 12, batch 32, seeds 1\nmodel\tengine\ttime 2\ttime 4" in result.stdout
    assert "GFLOP/s" in result.stdout
    (folder,) = (tmp_path / "runs" / "reports").glob("bench-*")
    assert {path.name for path in folder.iterdir()} == {"bench.png", "bench.svg", "bench.json"}
    kept = json.loads((folder / "bench.json").read_text())
    assert [(one["time"], one["batch"]) for one in kept["measured"]] == [(2, 32), (4, 32), (100, 1)]


def test_the_same_as_json_into_a_folder(seqlab_command: Command, tmp_path: Path) -> None:
    result = seqlab_command("bench", "mingru", "--quick", "--time", "3", "--json", "-q", "--output", "there")
    told = json.loads(result.stdout)
    assert told["measured"][0]["engine"] == "torch"
    assert all((tmp_path / path).is_file() for path in told["figures"])
    assert not (tmp_path / "runs").exists()


def test_wrong_words_are_explained(seqlab_command: Command) -> None:
    for words, said in [
        (("--time", "3,x"), "--time '3,x' are no sizes"),
        (("--seeds", "0"), "no sizes"),
        (("mingrue",), "Did you mean 'mingru'"),
        (("ngram", "--time", "3"), "not made of cells"),
        (("mingru", "--seeds", "2"), "which does not train mingru"),
    ]:
        refused = seqlab_command("bench", *words)
        assert refused.returncode == 2
        assert said in refused.stderr
