"""A comparison in words: a table's line for each model, and a verdict that claims no more than the data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from seqlab.comparison.outcome import Comparison, ModelOutcome, PairOutcome
from seqlab.comparison.statistics import LEVEL, Interval, PairedDifference, SignTest, Survival, seeds_needed

NOTHING = "–"
"""Stands in a table where there is no number."""

FEWEST_SEEDS = 5
"""With fewer, no claim is made and no test is shown."""

MOST_PAIRS = 6
"""With more (five models make ten), the verdict speaks only of the best model against the others."""


def table(result: Comparison) -> list[dict[str, str]]:
    """Return a line of text a model, by column heading; columns without any content are left out."""
    names = list(dict.fromkeys(name for model in result.models for name in model.further))
    rows = [_row(model, result.metric_name, names) for model in result.models]
    filled = [name for name in rows[0] if any(line[name] != NOTHING for line in rows)]
    return [{name: line[name] for name in filled} for line in rows]


def verdict(result: Comparison) -> str:
    """Return what a person would say of a comparison, a line for each level.

    Which models solve the task and how fast; for every two of them what the tests support and what they do
    not, at the 5 % level after Holm's correction (of many models, only how the best one stands to the
    others); then what speaks against reading more into it: widely spread seeds, too few of them, different
    sizes, failed or missing runs.
    """
    lines = []
    for level in dict.fromkeys(model.level for model in result.models):
        models = [model for model in result.models if model.level == level]
        pairs = [pair for pair in result.pairs if pair.level == level]
        said = [
            *_solving(models),
            *_spread(models, result.metric_name),
            *_tests(models, pairs, result.metric_name, result.higher_is_better),
            *_reservations(models, result.metric_name),
        ]
        lines.append(" ".join(said if level is None else [f"{level}:", *said]))
    return "\n".join(lines)


def _row(model: ModelOutcome, metric_name: str, further: Sequence[str]) -> dict[str, str]:
    """Return a model's figures as text, by column heading; ``further`` are the names of its other figures."""
    share, mean, span = model.solved_interval, model.metric_mean, model.metric_range
    others = {name: model.further.get(name) for name in further}
    return {
        "model": model.model,
        "difficulty": model.level or NOTHING,
        "parameters": f"{model.parameters:,}",
        "solved": f"{model.solved}/{model.runs} {_bracket(share, 2)}" if share else NOTHING,
        "sequences to solve": _sequences(model.survival) if model.survival else NOTHING,
        metric_name: NOTHING if mean is None else _estimate(mean, model.metric_interval),
        "lowest to highest": NOTHING if span is None else _range(span),
        **{name: NOTHING if found is None else _estimate(*found) for name, found in others.items()},
        "seconds per run": NOTHING if model.seconds_per_run is None else f"{model.seconds_per_run:,.3g}",
        "updates/s": NOTHING if model.updates_per_second is None else f"{model.updates_per_second:,.0f}",
        "failed": str(model.failed) if model.failed else NOTHING,
        "unfinished": str(model.unfinished) if model.unfinished else NOTHING,
    }


def _solving(models: Sequence[ModelOutcome]) -> Iterator[str]:
    judged = [model for model in models if model.solved is not None]
    if not judged:
        return
    shares = [f"{model.solved} of {model.runs}" for model in judged]
    yield f"Seeds solved: {_list(_named(judged, shares))}."
    medians = [_quantile(model.survival, model.survival.median) for model in judged if model.survival]
    yield f"Median sequences to solve: {_list(_named(judged, medians))}."


def _spread(models: Sequence[ModelOutcome], metric_name: str) -> Iterator[str]:
    """Warn of a single seed: where two models' ranges overlap, it could have shown either ahead."""
    ranges = [model.metric_range for model in models if model.solved is None and model.metric_range]
    if len(models) != 2 or len(ranges) != 2:
        return
    (low, high), (other_low, other_high) = ranges
    if max(low, other_low) < min(high, other_high):
        spans = _list(_named(models, [f"from {_range(span)}" for span in ranges]))
        yield f"Over the seeds {metric_name} goes, for {spans}: a single seed could have shown either ahead."


def _tests(
    models: Sequence[ModelOutcome], pairs: Sequence[PairOutcome], metric_name: str, higher_is_better: bool
) -> Iterator[str]:
    few = [pair for pair in pairs if pair.seeds < FEWEST_SEEDS]
    enough = [pair for pair in pairs if pair.seeds >= FEWEST_SEEDS]
    wanted = seeds_needed(len(pairs)) if pairs else 0
    if few:
        about = f" about {_list(f'{pair.first} and {pair.second}' for pair in few)}" if enough else ""
        seeds = min(pair.seeds for pair in few)
        yield f"No claim can be made{about} from {_count(seeds, 'common seed')}; run at least {wanted}."
    if enough and len(pairs) > MOST_PAIRS:
        yield _standing(models, enough, higher_is_better)
        enough_to_tell: Sequence[PairOutcome] = ()
    else:
        enough_to_tell = enough
    undecided = []
    for pair in enough_to_tell:
        found, open_questions = _findings(pair, metric_name, higher_is_better)
        if found:
            yield "; ".join(found) + "."
        if open_questions and len(pairs) <= 3:
            questions = " nor in ".join(open_questions)
            yield f"The data do not separate {pair.first} and {pair.second} in {questions}."
        elif not found:
            undecided.append(f"{pair.first} and {pair.second}")
    if undecided:
        yield f"The data do not separate {'; '.join(undecided)}."
    if enough and len(pairs) > 1:
        yield f"Each p is corrected by Holm's method for {len(pairs)} pairs."
    short = min((pair.seeds for pair in enough), default=wanted)
    if short < wanted:
        smallest = len(pairs) * 2.0 ** (1 - short)
        yield (
            f"With {short} seeds no difference can reach p = {LEVEL} "
            f"(the smallest possible p is {smallest:.2g}); run at least {wanted}."
        )


def _standing(models: Sequence[ModelOutcome], pairs: Sequence[PairOutcome], higher_is_better: bool) -> str:
    """Say how the best of many models stands to the others; the tests of all pairs are in the JSON."""
    best = min(models, key=lambda model: _rank(model, higher_is_better)).model
    apart: list[str] = []
    level: list[str] = []
    for pair in pairs:
        if best in (pair.first, pair.second):
            other = pair.second if pair.first == best else pair.first
            ps = [p for p in (pair.difference_p, pair.solved_p, pair.sooner_p) if p is not None]
            (apart if any(p <= LEVEL for p in ps) else level).append(other)
    told = [f"separate it from {_list(apart)}"] if apart else []
    told += [f"do not separate it from {_list(level)}"] if level else []
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
        numbers = f"{winner} minus {loser}: {size}, {_p('sign-flip', pair.difference_p)}"
        if significant:
            seeds = pair.difference.pairs
            found.append(
                f"{winner} has the better held-out {metric_name} over {seeds} paired seeds ({numbers})"
            )
        else:
            open_questions.append(f"held-out {metric_name} ({numbers})")
    if pair.solved is not None and pair.solved_p is not None:
        winner, loser, counts = _ranked(pair, pair.solved)
        numbers = _p("McNemar", pair.solved_p)
        if pair.solved_p <= LEVEL:
            found.append(
                f"{winner} solved {counts[0]} seeds that {loser} did not, {loser} {counts[1]} ({numbers})"
            )
        elif counts[0]:
            open_questions.append(f"the share of seeds solved ({numbers})")
    if pair.sooner is not None and pair.sooner_p is not None:
        winner, loser, counts = _ranked(pair, pair.sooner)
        numbers = _p("sign test", pair.sooner_p)
        if pair.sooner_p <= LEVEL:
            found.append(f"{winner} solved it first on {counts[0]} seeds, {loser} on {counts[1]} ({numbers})")
        elif counts[0]:
            open_questions.append(
                f"who solves it first ({winner} on {counts[0]} seeds, {loser} on {counts[1]}, {numbers})"
            )
    return found, open_questions


def _reservations(models: Sequence[ModelOutcome], metric_name: str) -> Iterator[str]:
    sized = sorted((model for model in models if model.parameters), key=lambda model: model.parameters)
    larger = [model for model in sized if model.parameters >= 1.05 * sized[0].parameters]
    if larger:
        ratios = [f"{model.parameters / sized[0].parameters:.2g}" for model in larger]
        ratios[0] = f"has {ratios[0]}"
        yield (
            f"{_list(_named(larger, ratios))} times the parameters of {sized[0].model}, "
            "so size may be the reason for a difference."
        )
    for model in models:
        if model.failed:
            effect = "count as unsolved and " if model.solved is not None else ""
            yield (
                f"{model.failed} of {_count(model.runs, 'run')} of {model.model} failed: failed runs {effect}"
                f"are missing from the mean {metric_name}."
            )
        if model.unfinished:
            verb = "is" if model.unfinished == 1 else "are"
            yield f"{_count(model.unfinished, 'run')} of {model.model} {verb} not finished and left out."


def _equal(difference: PairedDifference) -> bool:
    """Say whether two models did exactly alike on every seed, of which there is nothing to say."""
    interval = difference.interval
    return difference.mean == 0 and interval is not None and interval.low == interval.high


def _ranked(pair: PairOutcome, test: SignTest) -> tuple[str, str, tuple[int, int]]:
    """Return the model that more seeds favour, the other one, and their counts."""
    if test.first >= test.second:
        return pair.first, pair.second, (test.first, test.second)
    return pair.second, pair.first, (test.second, test.first)


def _difference(difference: PairedDifference, flip: bool) -> str:
    sign = -1 if flip else 1
    interval = difference.interval
    if interval is not None and flip:
        interval = Interval(-interval.high, -interval.low)
    return _estimate(sign * difference.mean, interval, "+")


def _estimate(mean: float, interval: Interval | None, sign: str = "") -> str:
    """Return a mean and its interval to two figures of the interval's half width."""
    if interval is None:
        return f"{mean:{sign}.3g}"
    if interval.low == interval.high:
        return f"{mean:{sign}.3g} (all alike)"
    decimals = min(6, max(0, 1 - math.floor(math.log10((interval.high - interval.low) / 2))))
    return f"{mean:{sign}.{decimals}f} {_bracket(interval, decimals)}"


def _range(span: tuple[float, float]) -> str:
    return NOTHING if span[0] == span[1] else f"{span[0]:.3g} to {span[1]:.3g}"


def _bracket(interval: Interval, decimals: int) -> str:
    return f"[{interval.low:.{decimals}f}, {interval.high:.{decimals}f}]"


def _sequences(survival: Survival) -> str:
    low, middle, high = (
        _quantile(survival, value, ">")
        for value in (survival.lower_quartile, survival.median, survival.upper_quartile)
    )
    return middle if survival.lower_quartile is None else f"{middle} ({low} to {high})"


def _quantile(survival: Survival, value: float | None, beyond: str = "more than ") -> str:
    """Return a quantile; one that is not reached lies beyond all that was seen."""
    if value is None:
        return f"{beyond}{max(survival.times + survival.censored):,.0f}"
    return f"{value:,.0f}"


def _p(test: str, p: float) -> str:
    return f"{test} p < 0.001" if p < 0.001 else f"{test} p = {p:.2g}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _named(models: Sequence[ModelOutcome], texts: Sequence[str]) -> list[str]:
    return [f"{model.model} {text}" for model, text in zip(models, texts, strict=True)]


def _list(items: Iterable[str]) -> str:
    """Join as people do: a, b and c."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last
