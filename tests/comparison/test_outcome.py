"""What is made of runs, and that the verdict claims what the data support and no more."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from seqlab.comparison.outcome import Comparison, RunOutcome, summarise
from seqlab.comparison.statistics import wilson
from seqlab.comparison.verdict import verdict
from seqlab.comparison.wording import table


def run(model: str, seed: int, **changes: Any) -> RunOutcome:
    figures: dict[str, Any] = {
        "status": "finished",
        "parameters": 100,
        "solved": True,
        "sequences_to_solve": 1000 * seed,
        "sequences_seen": 1000 * seed,
        "metric": 0.9 + seed / 1000,
        "errors": 3,
        "wall_seconds": 2.0 * seed,
        "steps": 100 * seed,
        "run_id": f"{model}-{seed}",
    }
    return RunOutcome(model=model, seed=seed, **{**figures, **changes})


def unsolved(model: str, seed: int, **changes: Any) -> RunOutcome:
    figures = {
        "solved": False,
        "sequences_to_solve": None,
        "sequences_seen": 40_000,
        "metric": 0.5 + seed / 500,
    }
    return run(model, seed, **{**figures, **changes})


def lstm_against_rnn(seeds: int) -> Comparison:
    lstm = [run("lstm", seed, parameters=360) for seed in range(1, seeds + 1)]
    rnn = [unsolved("rnn", seed) for seed in range(1, seeds + 1)]
    return summarise(lstm + rnn, "accuracy", True, (0, 1))


def test_a_model_over_its_seeds() -> None:
    lstm, rnn = lstm_against_rnn(5).models
    assert (lstm.model, lstm.parameters, lstm.runs, lstm.solved) == ("lstm", 360, 5, 5)
    assert lstm.solved_interval == wilson(5, 5)
    assert lstm.survival is not None
    assert (lstm.survival.lower_quartile, lstm.survival.median, lstm.survival.upper_quartile) == (
        2000,
        3000,
        4000,
    )
    assert lstm.metric_mean == pytest.approx(0.903)
    assert lstm.metric_interval is not None
    assert lstm.metric_interval.high - 0.903 == pytest.approx(2.776445 * 0.0015811388 / 5**0.5, rel=1e-5)
    assert (lstm.seconds_per_run, lstm.updates_per_second) == (6.0, 50.0)
    assert rnn.survival is not None
    assert (rnn.solved, rnn.survival.median, rnn.survival.censored) == (0, None, (40_000,) * 5)


def test_a_failed_run_is_unsolved_for_the_whole_budget_and_has_no_metric() -> None:
    runs = [run("lstm", seed) for seed in range(1, 7)] + [run("rnn", seed) for seed in range(2, 7)]
    failed = unsolved("rnn", 1, status="failed", solved=None, sequences_seen=0, metric=None, parameters=0)
    comparison = summarise([failed, *runs], "accuracy", True)
    rnn = comparison.models[0]
    assert (rnn.parameters, rnn.runs, rnn.failed, rnn.solved) == (100, 6, 1, 5)
    assert rnn.survival is not None
    assert rnn.survival.censored == (6000,)
    assert rnn.metric_mean == pytest.approx(0.904)
    pair = comparison.pairs[0]
    assert pair.seeds == 6
    assert pair.difference is not None
    assert pair.difference.pairs == 5
    assert pair.sooner is not None
    assert (pair.sooner.first, pair.sooner.second) == (0, 1)
    assert "1 of 6 runs of rnn failed: failed runs count as unsolved" in verdict(comparison)


def test_a_metric_that_is_no_number_counts_as_missing() -> None:
    model = summarise([run("a", 1), run("a", 2, metric=float("nan"))], "loss", False).models[0]
    assert model.metric_mean == pytest.approx(0.901)


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_an_unfinished_run_is_left_out(status: str) -> None:
    runs = [run("a", seed) for seed in (1, 2)] + [run("b", 1), run("b", 2, status=status)]
    comparison = summarise(runs, "accuracy", True)
    assert (comparison.models[1].runs, comparison.models[1].unfinished, comparison.pairs[0].seeds) == (
        1,
        1,
        1,
    )
    assert "1 run of b is not finished and left out." in verdict(comparison)


def test_pairs_are_of_the_same_seed() -> None:
    first = [run("a", seed, metric=seed / 10) for seed in (1, 2, 3, 4)]
    second = [run("b", seed, metric=seed / 10 - 0.05) for seed in (4, 3, 2, 9)]
    pair = summarise(first + second, "accuracy", True).pairs[0]
    assert pair.seeds == 3
    assert pair.difference is not None
    assert pair.difference.mean == pytest.approx(0.05)


def test_every_question_is_corrected_over_the_pairs() -> None:
    runs = [
        maker(model, seed)
        for model, maker in (("a", run), ("b", run), ("c", unsolved))
        for seed in range(1, 11)
    ]
    pairs = {(pair.first, pair.second): pair for pair in summarise(runs, "accuracy", True).pairs}
    clear, alike = pairs["a", "c"], pairs["a", "b"]
    assert clear.difference is not None
    assert clear.solved is not None
    assert clear.difference_p == pytest.approx(3 * clear.difference.p)
    assert clear.solved_p == pytest.approx(3 * clear.solved.p)
    assert (alike.difference_p, alike.solved_p, alike.sooner_p) == (1, 1, 1)


def test_two_runs_of_one_seed_are_refused() -> None:
    with pytest.raises(ValueError, match="a has two runs of seed 1"):
        summarise([run("a", 1), run("a", 1)], "accuracy", True)


def test_no_run_is_refused() -> None:
    with pytest.raises(ValueError, match="no run"):
        summarise([], "accuracy", True)


def test_solved_without_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="sequences_to_solve"):
        run("a", 1, sequences_to_solve=None)


def test_verdict_of_a_clear_difference() -> None:
    text = verdict(lstm_against_rnn(10))
    assert text.splitlines()[0] == (
        "lstm solves it on all 10 seeds, rnn on none. "
        "Beyond chance, lstm is ahead of rnn in the share of seeds solved (McNemar p = 0.002)."
    )
    assert "Median sequences to solve: lstm 5,000 and rnn more than 40,000." in text
    assert "lstm has the better held-out accuracy over 10 paired seeds (lstm minus rnn: +0.3945 [0.3" in text
    assert "sign-flip p = 0.002" in text
    assert "lstm solved 10 seeds that rnn did not, rnn 0 (McNemar p = 0.002)" in text
    assert "lstm has 3.6 times the parameters of rnn" in text
    assert "do not separate" not in text
    assert "Holm" not in text


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_verdict_of_few_seeds_claims_nothing(seeds: int) -> None:
    text = verdict(lstm_against_rnn(seeds))
    assert f"No claim can be made from {seeds} common seed" in text
    assert "run at least 6" in text
    assert "better" not in text
    assert "p =" not in text


@pytest.mark.parametrize(
    ("models", "seeds", "told"),
    [
        ("a", 1, "a does not solve it on the one seed."),
        ("ab", 1, "Neither a nor b solves it on the one seed."),
        ("ab", 2, "Neither a nor b solves it on either of 2 seeds."),
        ("abc", 3, "None of a, b and c solves it on any of 3 seeds."),
    ],
)
def test_where_nobody_solves_the_task_that_is_said_plainly(models: str, seeds: int, told: str) -> None:
    outcomes = [
        run(model, seed, solved=False, sequences_to_solve=None)
        for model in models
        for seed in range(1, seeds + 1)
    ]
    assert verdict(summarise(outcomes, "accuracy", True)).startswith(told)


def test_verdict_of_five_seeds_says_that_the_test_cannot_decide() -> None:
    text = verdict(lstm_against_rnn(5))
    assert text.splitlines()[0] == (
        "lstm solves it on all 5 seeds, rnn on none. All 5 seeds put lstm ahead of rnn in the share of seeds "
        "solved, but with 5 seeds no difference can reach p = 0.05 (the smallest possible p is 0.062); "
        "run at least 6."
    )
    assert "No test of lstm and rnn reaches 5 %: held-out accuracy (lstm minus rnn: +0.39" in text
    assert "better" not in text
    assert "do not separate" not in text


def test_five_seeds_that_all_point_one_way_in_a_metric_alone_are_said_to() -> None:
    def of(model: str, metrics: tuple[float, ...]) -> list[RunOutcome]:
        plain = {"solved": None, "sequences_to_solve": None}
        return [run(model, seed, metric=metric, **plain) for seed, metric in enumerate(metrics)]

    first = of("a", (0.2, 0.3, 0.25, 0.2, 0.3))
    one_way = verdict(summarise(first + of("b", (0.95, 0.96, 0.97, 0.99, 0.98)), "accuracy", True))
    assert "All 5 seeds put b ahead of a in the held-out metric" in one_way
    both_ways = verdict(summarise(first + of("b", (0.95, 0.96, 0.97, 0.99, 0.1)), "accuracy", True))
    assert "All 5 seeds" not in both_ways
    assert "The data do not separate a and b" in both_ways


def test_who_is_no_better_than_guessing_is_named() -> None:
    runs = [run("a", seed, guess=0.25) for seed in range(1, 7)]
    runs += [unsolved("b", seed, metric=0.253, guess=0.25) for seed in range(1, 7)]
    runs += [unsolved("c", seed, metric=0.1, guess=0.25) for seed in range(1, 7)]
    comparison = summarise(runs, "accuracy", True, (0, 1))
    headline = verdict(comparison).splitlines()[0]
    assert (
        "c is worse than guessing (accuracy 0.25). b is no better than guessing (accuracy 0.25)." in headline
    )
    assert [row["guessing"] for row in table(comparison)] == ["0.25", "0.25", "0.25"]
    assert "a is" not in headline.partition("c is worse")[2]


def test_a_finished_run_without_a_number_is_counted_aloud() -> None:
    runs = [run("a", seed) for seed in range(1, 6)] + [run("a", 6, metric=float("nan"))]
    assert "1 finished run of a came to no number in accuracy" in verdict(summarise(runs, "accuracy", True))


def test_verdict_of_no_difference() -> None:
    metrics = [0.91, 0.93, 0.92, 0.9, 0.94, 0.92, 0.91, 0.93]
    first = [run("a", seed, metric=value) for seed, value in enumerate(metrics)]
    second = [run("b", seed, metric=value) for seed, value in enumerate(metrics[::-1])]
    text = verdict(summarise(first + second, "accuracy", True))
    assert "The data do not separate a and b in held-out accuracy (a minus b: " in text
    assert "better" not in text
    assert "parameters" not in text


def test_verdict_where_lower_is_better() -> None:
    first = [run("a", seed, solved=None, metric=2.0 + seed / 10) for seed in range(8)]
    second = [run("b", seed, solved=None, metric=1.5 + seed / 11) for seed in range(8)]
    comparison = summarise(first + second, "loss", False)
    assert "b has the better held-out loss over 8 paired seeds (b minus a: -0.5" in verdict(comparison)
    assert "solve" not in verdict(comparison)
    assert comparison.models[0].survival is None


def test_verdict_of_many_pairs_names_the_undecided_in_one_sentence() -> None:
    runs = [run(model, seed) for model in "abcd" for seed in range(10)]
    text = verdict(summarise(runs, "accuracy", True))
    assert "The data do not separate" in text
    assert "Each p is corrected by Holm's method for 6 pairs." in text


def test_of_more_than_four_models_the_best_is_set_against_the_others() -> None:
    good = [run(model, seed) for model in ("a", "b") for seed in range(1, 11)]
    poor = [unsolved(model, seed) for model in ("c", "d", "e") for seed in range(1, 11)]
    text = verdict(summarise(poor + good, "accuracy", True))
    assert "a did best; the tests separate it from c, d and e and do not separate it from b." in text
    assert "Each p is corrected by Holm's method for 10 pairs." in text


def test_overlapping_ranges_are_a_warning_of_a_single_seed() -> None:
    def without_criterion(model: str, metrics: tuple[float, ...]) -> list[RunOutcome]:
        plain = {"solved": None, "sequences_to_solve": None}
        return [run(model, seed, metric=metric, **plain) for seed, metric in enumerate(metrics)]

    rnn = without_criterion("rnn", (0.4, 0.5, 0.6, 0.5, 0.4, 0.3))
    overlapping = summarise(
        rnn + without_criterion("lstm", (0.55, 0.7, 0.8, 0.9, 0.7, 0.6)), "accuracy", True
    )
    assert "for rnn from 0.3 to 0.6 and lstm from 0.55 to 0.9: a single seed" in verdict(overlapping)
    assert table(overlapping)[0]["lowest to highest"] == "0.3 to 0.6"
    apart = summarise(rnn + without_criterion("lstm", (0.65, 0.7, 0.8, 0.9, 0.7, 0.65)), "accuracy", True)
    assert "single seed" not in verdict(apart)


def test_levels_are_compared_apart() -> None:
    easy = [run(model, seed, level="easy") for model in ("a", "b") for seed in range(1, 7)]
    hard = [
        run("a", seed, level="hard", sequences_seen=9000, sequences_to_solve=9000) for seed in range(1, 7)
    ]
    hard += [unsolved("b", seed, level="hard") for seed in range(1, 7)]
    comparison = summarise(easy + hard, "accuracy", True)
    assert [(model.level, model.model, model.solved) for model in comparison.models] == [
        ("easy", "a", 6), ("easy", "b", 6), ("hard", "a", 6), ("hard", "b", 0)
    ]  # fmt: skip
    assert [(pair.level, pair.seeds) for pair in comparison.pairs] == [("easy", 6), ("hard", 6)]
    assert comparison.pairs[1] == replace(
        summarise([replace(one, level=None) for one in hard], "accuracy", True).pairs[0], level="hard"
    )
    headlines = [line for line in verdict(comparison).splitlines() if not line.startswith("- ")]
    assert [line.split(":")[0] for line in headlines] == ["easy", "hard"]
    assert [row["level"] for row in table(comparison)] == ["easy", "easy", "hard", "hard"]


def test_one_model_is_summarised_without_pairs() -> None:
    comparison = summarise([run("a", seed) for seed in range(3)], "accuracy", True)
    assert comparison.pairs == ()
    assert verdict(comparison).startswith("a solves it on all 3 seeds.\n")


def test_rows_are_a_table_for_people() -> None:
    lstm, rnn = table(lstm_against_rnn(5))
    assert list(lstm) == [
        "model", "parameters", "solved", "sequences to solve", "accuracy", "lowest to highest", "seconds per run",
        "updates/s",
    ]  # fmt: skip
    assert lstm["solved"] == "5/5 [0.57, 1.00]"
    assert lstm["sequences to solve"] == "3,000 (2,000 to 4,000)"
    assert lstm["accuracy"] == "0.9030 [0.9010, 0.9050]"
    assert rnn["sequences to solve"] == ">40,000"


def test_rows_leave_out_what_nobody_has() -> None:
    runs = [run("a", seed, solved=None) for seed in range(2)]
    assert "solved" not in table(summarise(runs, "loss", False))[0]
    with_failure = [*runs, run("a", 2, solved=None, status="failed", metric=None)]
    assert table(summarise(with_failure, "loss", False))[0]["failed"] == "1"


def test_dict_is_json() -> None:
    comparison = lstm_against_rnn(6)
    again = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert again["metric_name"] == "accuracy"
    assert again["models"][1]["survival"]["median"] is None
    assert again["pairs"][0]["difference"]["p"] == pytest.approx(2 / 64)


def test_csv_holds_plain_numbers() -> None:
    lstm, rnn = csv.DictReader(io.StringIO(lstm_against_rnn(5).to_csv()))
    assert float(lstm["sequences_median"]) == 3000
    assert rnn["sequences_median"] == ""
    assert float(rnn["solved_high"]) == pytest.approx(wilson(0, 5).high)
