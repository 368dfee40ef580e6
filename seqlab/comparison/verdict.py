"""What a person would say of a comparison: a headline, then what it rests on; no more than the data bear."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seqlab.comparison.outcome import Comparison, ModelOutcome, PairOutcome
from seqlab.comparison.statistics import LEVEL, Interval, PairedDifference, SignTest, seeds_needed
from seqlab.comparison.wording import counted, estimate, listed, named, p_value, quantile, spread
from seqlab.runs.guessing import in_words

FEWEST_SEEDS = 5
"""With fewer, no claim is made and no test is shown."""

MOST_PAIRS = 6
"""With more (five models make ten), the verdict speaks only of the best model against the others."""

BULLET = "- "


@dataclass(frozen=True)
class Standing:
    """How two models stand to each other.

    Attributes:
        ahead: the model that does better.
        behind: the other one.
        in_what: what it does better.
        test: the test and its corrected p, in words.
        is_decided: whether p is at most 5 %; if not, all seeds point this way but are too few to reach that.
    """

    ahead: str
    behind: str
    in_what: str
    test: str
    is_decided: bool


def verdict(result: Comparison) -> str:
    """Return what a person would say of a comparison: for each level a headline, and lines that bear it out.

    The headline says who solves the task (or whose metric is best), what chance does not explain (at 5 %,
    after Holm's correction), and who is no better than guessing. Below it: how fast, by which tests, what
    they leave open, and what speaks against reading more into it: widely spread seeds, too few of them,
    different sizes, failed or missing runs.
    """
    lines = []
    for level in dict.fromkeys(model.level for model in result.models):
        models = [model for model in result.models if model.level == level]
        pairs = [pair for pair in result.pairs if pair.level == level]
        headline = " ".join(_headline(models, pairs, result))
        lines.append(headline if level is None else f"{level}: {headline}")
        lines += [BULLET + detail for detail in _details(models, pairs, result)]
    return "\n".join(lines)


def _headline(
    models: Sequence[ModelOutcome], pairs: Sequence[PairOutcome], result: Comparison
) -> Iterator[str]:
    yield _who_solves(models) if models[0].solved is not None else _who_is_best(models, result)
    yield from _beyond_chance(models, pairs, result.higher_is_better)
    for below in ("worse than", "no better than"):
        poor = [model for model in models if model.below_guessing == below]
        if poor:
            bar = f"{in_words(poor[0].guess_name)} ({result.metric_name} {poor[0].guess:.3g})"
            yield f"{_does(poor, 'is', 'are')} {below} {bar}."


def _who_solves(models: Sequence[ModelOutcome]) -> str:
    """Say who solves the task: ``lstm solves it on all 10 seeds, rnn on none.``"""
    ranked = sorted(models, key=lambda model: -(model.solved or 0) / max(model.runs, 1))
    alike: dict[str, list[ModelOutcome]] = {}
    for model in ranked:
        alike.setdefault(_on_how_many(model), []).append(model)
    if not ranked[0].solved:
        return f"{_nobody(models)} it on {_any_seed(models)}."
    first, *others = alike.items()
    # That the others had as many seeds goes without saying.
    same = {model.runs for model in models} == {models[0].runs}
    told = [
        f"{listed(model.model for model in group)} {seeds.partition(' of ')[0] if same else seeds}"
        for seeds, group in others
    ]
    return ", ".join([f"{_does(first[1], 'solves', 'solve')} it {first[0]}", *told]) + "."


def _nobody(models: Sequence[ModelOutcome]) -> str:
    """Say of models that none of them solves: ``Neither rnn nor lstm solves``."""
    names = [model.model for model in models]
    if len(names) == 1:
        return f"{names[0]} does not solve"
    if len(names) == 2:
        return f"Neither {names[0]} nor {names[1]} solves"
    return f"None of {listed(names)} solves"


def _any_seed(models: Sequence[ModelOutcome]) -> str:
    most = max(model.runs for model in models)
    return {1: "the one seed", 2: "either of 2 seeds"}.get(most, f"any of {most} seeds")


def _on_how_many(model: ModelOutcome) -> str:
    if model.runs == 1:
        return "on its one seed" if model.solved else "not on its one seed"
    if model.solved == model.runs:
        return "on both seeds" if model.runs == 2 else f"on all {model.runs} seeds"
    return f"on {model.solved} of {model.runs} seeds" if model.solved else f"on none of {model.runs} seeds"


def _who_is_best(models: Sequence[ModelOutcome], result: Comparison) -> str:
    """Say whose metric is best, and what the others come to."""
    told = [model for model in models if model.metric_mean is not None]
    told.sort(key=lambda model: _rank(model, result.higher_is_better))
    if not told:
        return f"No model has a figure of {result.metric_name}."
    means = [f"({model.metric_mean:.4g})" for model in told]
    best, *rest = named(told, means)
    then = f", then {listed(rest)}" if rest else ""
    return f"Held-out {result.metric_name}: {best}{then}."


def _beyond_chance(
    models: Sequence[ModelOutcome], pairs: Sequence[PairOutcome], higher_is_better: bool
) -> Iterator[str]:
    """Say what the tests of all pairs come to, in a sentence for each kind of outcome."""
    few = [pair for pair in pairs if pair.seeds < FEWEST_SEEDS]
    enough = [pair for pair in pairs if pair.seeds >= FEWEST_SEEDS]
    wanted = seeds_needed(len(pairs)) if pairs else 0
    if few:
        about = f" about {listed(f'{pair.first} and {pair.second}' for pair in few)}" if enough else ""
        seeds = min(pair.seeds for pair in few)
        yield f"No claim can be made{about} from {counted(seeds, 'common seed')}; run at least {wanted}."
    if enough and len(pairs) > MOST_PAIRS:
        yield _best_of_many(models, enough, higher_is_better)
        return
    standings = [standing(pair, higher_is_better) for pair in enough]
    decided = [one for one in standings if one and one.is_decided]
    alike: dict[tuple[str, str, str], list[str]] = {}
    for clear in decided:
        alike.setdefault((clear.behind, clear.in_what, clear.test), []).append(clear.ahead)
    told = [
        f"{listed(ahead)} {'is' if len(ahead) == 1 else 'are'} ahead of {behind} in {what} ({test})"
        for (behind, what, test), ahead in alike.items()
    ]
    if told:
        yield f"Beyond chance, {'; '.join(told)}."
    for pair, one in zip(enough, standings, strict=True):
        if one and not one.is_decided:
            smallest = len(pairs) * 2.0 ** (1 - pair.seeds)
            yield (
                f"All {pair.seeds} seeds put {one.ahead} ahead of {one.behind} in {one.in_what}, but with "
                f"{pair.seeds} seeds no difference can reach p = {LEVEL} (the smallest possible p is "
                f"{smallest:.2g}); run at least {wanted}."
            )
    open_pairs = [pair for pair, one in zip(enough, standings, strict=True) if one is None]
    if open_pairs:
        told = [f"{pair.first} and {pair.second}" for pair in open_pairs]
        yield f"The data do not separate {'; '.join(told)}."


def standing(pair: PairOutcome, higher_is_better: bool) -> Standing | None:
    """Return who of two is ahead, by the first test that decides or has all seeds on one side; else None.

    The tests are asked in this order: who solves the task, who solves it first, whose metric is better.
    """
    found = []
    for test, p, name, what in (
        (pair.solved, pair.solved_p, "McNemar", "the share of seeds solved"),
        (pair.sooner, pair.sooner_p, "sign test", "who solves it first"),
    ):
        if test is not None and p is not None:
            ahead, behind, counts = ranked(pair, test)
            found.append((Standing(ahead, behind, what, p_value(name, p), p <= LEVEL), counts[0]))
    if pair.difference is not None and pair.difference_p is not None:
        first = (pair.difference.mean > 0) == higher_is_better
        ahead, behind = (pair.first, pair.second) if first else (pair.second, pair.first)
        test_p = p_value("sign-flip", pair.difference_p)
        decided = pair.difference_p <= LEVEL
        # Of all ways to choose the signs only two are as far out: all seeds point one way.
        all_alike = pair.difference.mean != 0 and pair.difference.p <= 1.5 * 2.0 ** (
            1 - pair.difference.pairs
        )
        whole = pair.seeds if all_alike else 0
        found.append((Standing(ahead, behind, "the held-out metric", test_p, decided), whole))
    decisive = [one for one, _ in found if one.is_decided]
    one_sided = [one for one, seeds in found if seeds == pair.seeds and pair.seeds]
    return next(iter([*decisive, *one_sided]), None)


def _details(
    models: Sequence[ModelOutcome], pairs: Sequence[PairOutcome], result: Comparison
) -> Iterator[str]:
    solving = [model for model in models if model.survival is not None]
    if solving:
        medians = [quantile(model.survival, model.survival.median) for model in solving if model.survival]
        yield f"Median sequences to solve: {listed(named(solving, medians))}."
    yield from _single_seed(models, result.metric_name)
    enough = [pair for pair in pairs if pair.seeds >= FEWEST_SEEDS]
    for pair in enough if len(pairs) <= MOST_PAIRS else []:
        found, open_questions = _findings(pair, result.metric_name, result.higher_is_better)
        if found:
            yield "; ".join(found) + "."
        if open_questions:
            one = standing(pair, result.higher_is_better)
            if one is not None and not one.is_decided:
                yield f"No test of {pair.first} and {pair.second} reaches 5 %: {'; '.join(open_questions)}."
            else:
                questions = " nor in ".join(open_questions)
                yield f"The data do not separate {pair.first} and {pair.second} in {questions}."
    if enough and len(pairs) > 1:
        yield f"Each p is corrected by Holm's method for {len(pairs)} pairs."
    yield from _reservations(models, result.metric_name)


def _single_seed(models: Sequence[ModelOutcome], metric_name: str) -> Iterator[str]:
    """Warn of a single seed: where two models' ranges overlap, it could have shown either ahead."""
    ranges = [model.metric_range for model in models if model.solved is None and model.metric_range]
    if len(models) != 2 or len(ranges) != 2:
        return
    (low, high), (other_low, other_high) = ranges
    if max(low, other_low) < min(high, other_high):
        spans = listed(named(models, [f"from {spread(span)}" for span in ranges]))
        yield f"Over the seeds {metric_name} goes, for {spans}: a single seed could have shown either ahead."


def _best_of_many(
    models: Sequence[ModelOutcome], pairs: Sequence[PairOutcome], higher_is_better: bool
) -> str:
    """Say how the best of many models stands to the others; the tests of all pairs are in the JSON."""
    best = min(models, key=lambda model: _rank(model, higher_is_better)).model
    apart: list[str] = []
    level: list[str] = []
    for pair in pairs:
        if best in (pair.first, pair.second):
            other = pair.second if pair.first == best else pair.first
            ps = [p for p in (pair.difference_p, pair.solved_p, pair.sooner_p) if p is not None]
            (apart if any(p <= LEVEL for p in ps) else level).append(other)
    told = [f"separate it from {listed(apart)}"] if apart else []
    told += [f"do not separate it from {listed(level)}"] if level else []
    return f"{best} did best" + (f"; the tests {' and '.join(told)}." if told else ".")


def _rank(model: ModelOutcome, higher_is_better: bool) -> tuple[float, float, float]:
    """Order models from the best: the share that solves, the sequences that takes, the metric."""
    share = 0.0 if model.solved is None else model.solved / max(model.runs, 1)
    median = math.inf if model.survival is None or model.survival.median is None else model.survival.median
    mean = model.metric_mean
    return -share, median, math.inf if mean is None else -mean if higher_is_better else mean


def _findings(pair: PairOutcome, metric_name: str, higher_is_better: bool) -> tuple[list[str], list[str]]:
    """Return what the tests of a pair support, and the questions that they leave open."""
    found, open_questions = [], []
    if pair.difference is not None and pair.difference_p is not None and not _equal(pair.difference):
        ahead = (pair.difference.mean > 0) == higher_is_better
        significant = pair.difference_p <= LEVEL
        winner, loser = (pair.first, pair.second) if ahead or not significant else (pair.second, pair.first)
        size = _difference(pair.difference, flip=winner != pair.first)
        numbers = f"{winner} minus {loser}: {size}, {p_value('sign-flip', pair.difference_p)}"
        if significant:
            seeds = pair.difference.pairs
            found.append(
                f"{winner} has the better held-out {metric_name} over {seeds} paired seeds ({numbers})"
            )
        else:
            open_questions.append(f"held-out {metric_name} ({numbers})")
    if pair.solved is not None and pair.solved_p is not None:
        winner, loser, counts = ranked(pair, pair.solved)
        numbers = p_value("McNemar", pair.solved_p)
        if pair.solved_p <= LEVEL:
            found.append(
                f"{winner} solved {counts[0]} seeds that {loser} did not, {loser} {counts[1]} ({numbers})"
            )
        elif counts[0]:
            open_questions.append(f"the share of seeds solved ({numbers})")
    if pair.sooner is not None and pair.sooner_p is not None:
        winner, loser, counts = ranked(pair, pair.sooner)
        numbers = p_value("sign test", pair.sooner_p)
        if pair.sooner_p <= LEVEL:
            found.append(f"{winner} solved it first on {counts[0]} seeds, {loser} on {counts[1]} ({numbers})")
        elif counts[0]:
            open_questions.append(
                f"who solves it first ({winner} on {counts[0]} seeds, {loser} on {counts[1]}, {numbers})"
            )
    return found, open_questions


def _reservations(models: Sequence[ModelOutcome], metric_name: str) -> Iterator[str]:
    sized = sorted((model for model in models if model.parameters), key=lambda model: model.parameters)
    larger = [model for model in sized if model.parameters >= 1.2 * sized[0].parameters]
    if larger:
        ratios = [f"{model.parameters / sized[0].parameters:.2g}" for model in larger]
        ratios[0] = f"has {ratios[0]}"
        yield (
            f"{listed(named(larger, ratios))} times the parameters of {sized[0].model}, "
            "so size may be the reason for a difference."
        )
    for model in models:
        if model.failed:
            effect = "count as unsolved and " if model.solved is not None else ""
            yield (
                f"{model.failed} of {counted(model.runs, 'run')} of {model.model} failed: "
                f"failed runs {effect}are missing from the mean {metric_name}."
            )
        if model.without_metric:
            whose = f"{counted(model.without_metric, 'finished run')} of {model.model}"
            yield f"{whose} came to no number in {metric_name} and are missing from its mean."
        if model.unfinished:
            verb = "is" if model.unfinished == 1 else "are"
            yield f"{counted(model.unfinished, 'run')} of {model.model} {verb} not finished and left out."


def _does(models: Sequence[ModelOutcome], one: str, several: str) -> str:
    return f"{listed(model.model for model in models)} {one if len(models) == 1 else several}"


def _equal(difference: PairedDifference) -> bool:
    """Say whether two models did exactly alike on every seed, of which there is nothing to say."""
    interval = difference.interval
    return difference.mean == 0 and interval is not None and interval.low == interval.high


def ranked(pair: PairOutcome, test: SignTest) -> tuple[str, str, tuple[int, int]]:
    """Return the model that more seeds favour, the other one, and their counts."""
    if test.first >= test.second:
        return pair.first, pair.second, (test.first, test.second)
    return pair.second, pair.first, (test.second, test.first)


def _difference(difference: PairedDifference, flip: bool) -> str:
    sign = -1 if flip else 1
    interval = difference.interval
    if interval is not None and flip:
        interval = Interval(-interval.high, -interval.low)
    return estimate(sign * difference.mean, interval, "+")
