"""`seqlab sample`."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import stderr
from seqlab.cli.language_model import (
    Alone,
    Encoding,
    Json,
    NewestRun,
    Unknown,
    harmless,
    open_language_model,
    read_file,
)
from seqlab.cli.show import run_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seqlab.generation import Sampling
    from seqlab.models import SequenceModel
    from seqlab.text import Vocabulary
    from seqlab.text.vocabulary import Codes


def sample(
    run: NewestRun = None,
    prime: Annotated[
        str | None, typer.Option(help="The text to go on from; default: the start of a line.")
    ] = None,
    prime_file: Annotated[
        Path | None, typer.Option(help="A file with the text to go on from; - for standard input.")
    ] = None,
    encoding: Encoding = None,
    length: Annotated[int, typer.Option(help="Characters (bytes, words) to write.")] = 400,
    temperature: Annotated[
        float, typer.Option(help="Below 1 safer, above 1 wilder, 0 always the likeliest.")
    ] = 0.8,
    top_k: Annotated[int | None, typer.Option(help="Draw from this many likeliest characters only.")] = None,
    top_p: Annotated[
        float, typer.Option(help="Draw from the likeliest that hold this share of the probability.")
    ] = 1.0,
    min_p: Annotated[
        float, typer.Option(help="Leave out what has less than this share of the likeliest's probability.")
    ] = 0.0,
    count: Annotated[int, typer.Option(help="Texts to write.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 1,
    stop: Annotated[str, typer.Option(help="End a text once this has been written in it.")] = "",
    unknown: Unknown = "refuse",
    checkpoint: options.Checkpoint = "best",
    alone: Alone = False,
    model: options.OwnModel = None,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of the screen.")] = None,
    as_json: Json = False,
) -> None:
    """Write text with a trained language model.

    Examples: seqlab sample --prime "the" / seqlab sample latest --temperature 0.5 --count 3 --json
    """
    from seqlab.errors import UsageError
    from seqlab.generation import Sampling, generate
    from seqlab.generation.priming import encode
    from seqlab.models import Mixture

    if prime is not None and prime_file is not None:
        raise UsageError("Both --prime and --prime-file are given.", hint="Leave one out.")
    if count < 1:
        raise UsageError(f"count is {count}.", hint="It must be a whole number of texts, 1 or more.")
    sampling = Sampling(length, temperature, seed, top_k, top_p, min_p)
    found, network, vocabulary = open_language_model(run, checkpoint, model, alone=alone)
    codes = encode(vocabulary, read_file(prime_file, encoding, found) if prime_file else prime or "", unknown)
    end = _end(vocabulary, stop, unknown)
    start = codes if len(codes) else vocabulary.encode(vocabulary.start or vocabulary.symbols[0])
    shown = vocabulary.decode(codes)
    if count == 1 and output is None and not as_json:
        _stream(shown, generate(network, start, sampling, stop=end), vocabulary)
    else:
        texts = _write(network, start, sampling, count, end)
        if as_json:
            made = {"stop": stop, "checkpoint": checkpoint, "mixed": isinstance(network, Mixture)}
            settings = {**dataclasses.asdict(sampling), **made}
            figures = _figures(network, vocabulary, shown, start, texts)
            data = {"run": found.id, "prime": shown, "settings": settings, "texts": figures}
            _deliver(json.dumps(data, indent=2, ensure_ascii=False) + "\n", output)
        else:
            _deliver(_headed([shown + vocabulary.decode(text) for text in texts]), output)
    name = run_words(found)
    _say(f"Next: seqlab sample {name} --seed {seed + 1}, or seqlab novel {name}")


def _end(vocabulary: Vocabulary, stop: str, unknown: Unknown) -> list[int]:
    """Return the symbols after which a text ends."""
    from seqlab.errors import TextError
    from seqlab.generation.priming import encode

    try:
        symbols: list[int] = encode(vocabulary, stop, unknown).tolist()
    except TextError as error:
        raise TextError(f"--stop: {error.message}", hint="No text of this model can end so.") from None
    return symbols


def _stream(shown: str, symbols: Iterator[int], vocabulary: Vocabulary) -> None:
    """Print a text while it is written: on a terminal character by character."""
    live = sys.stdout.isatty()
    sys.stdout.write(shown)
    for piece in vocabulary.stream(symbols):
        sys.stdout.write(harmless(piece) if live else piece)
        if live:
            sys.stdout.flush()
    sys.stdout.write("\n")


def _write(
    network: SequenceModel, start: Codes, sampling: Sampling, count: int, stop: list[int]
) -> list[NDArray[np.int64]]:
    import numpy as np

    from seqlab.fused.many import generate_many
    from seqlab.generation import generate

    if count == 1:
        return [np.fromiter(generate(network, start, sampling, stop=stop), np.int64)]
    return generate_many(network, start, sampling, count, stop=stop, announce=_say)


def _figures(
    network: SequenceModel, vocabulary: Vocabulary, shown: str, start: Codes, texts: list[NDArray[np.int64]]
) -> list[dict[str, Any]]:
    """Describe each text; its log-probability is that of what was written, given the prime."""
    import numpy as np

    from seqlab.generation.scoring import log_probabilities

    scores = log_probabilities(network, [np.concatenate([start, text]) for text in texts], None)
    figures = []
    for index, (text, score) in enumerate(zip(texts, scores, strict=True)):
        written = vocabulary.decode(text)
        log_probability = float(score[len(start) - 1 :].sum())
        figures.append(
            {
                "index": index,
                "text": shown + written,
                "characters": len(written),
                "tokens": len(text),
                "log_probability_per_character": log_probability / len(written) if written else None,
            }
        )
    return figures


def _headed(texts: list[str]) -> str:
    """Put texts behind one another, each below its number where there are several."""
    if len(texts) == 1:
        return texts[0] + "\n"
    return "".join(f"--- {number} of {len(texts)} ---\n{text}\n" for number, text in enumerate(texts, 1))


def _deliver(result: str, output: Path | None) -> None:
    from seqlab.errors import UsageError

    if output is None:
        sys.stdout.write(result)
        return
    try:
        output.write_text(result, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{str(output)!r} cannot be written: {error.strerror}.") from None
    _say(f"Written to {output}")


def _say(line: str) -> None:
    stderr().print(line, soft_wrap=True, markup=False)
