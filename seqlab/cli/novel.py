"""`seqlab novel`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqlab.cli import options
from seqlab.cli.console import say, show_json, show_table, waiting
from seqlab.cli.language_model import (
    Alone,
    Encoding,
    Json,
    NewestRun,
    Unknown,
    open_language_model,
    read_file,
    visible,
)
from seqlab.cli.whole import writes_whole
from seqlab.doing import doing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seqlab.generation import Sampling
    from seqlab.models import SequenceModel
    from seqlab.runs import Run
    from seqlab.tasks import Task
    from seqlab.text import Vocabulary


def novel(
    run: NewestRun = None,
    file: Annotated[
        Path | None, typer.Argument(help="A text to look through instead of a fresh sample.")
    ] = None,
    encoding: Encoding = None,
    length: Annotated[int, typer.Option(help="Characters (bytes, words) of the sample.")] = 2000,
    temperature: Annotated[float, typer.Option(help="Of the sample.")] = 0.8,
    seed: Annotated[int, typer.Option(help="Of the sample.")] = 1,
    count: Annotated[int, typer.Option(min=1, help="Passages to show.")] = 5,
    unknown: Unknown = "refuse",
    checkpoint: options.Checkpoint = "best",
    alone: Alone = False,
    model: options.OwnModel = None,
    anyway: options.Anyway = False,
    as_json: Json = False,
) -> None:
    """Show the longest passages that a sample shares with the training text: what is memorised.

    For comparison, as many characters of the held-out text, which nobody copied, are looked through as well.

    Examples: seqlab novel / seqlab novel latest --temperature 0.3 --length 5000
    """
    import numpy as np

    from seqlab.errors import TextError
    from seqlab.generation import Sampling
    from seqlab.generation.novelty import passages, shared_lengths
    from seqlab.generation.priming import encode
    from seqlab.text.tokens import UNITS

    sampling = Sampling(length, temperature, seed)
    found, network, vocabulary = open_language_model(run, checkpoint, model, alone=alone, anyway=anyway)
    task = _task_of(found, model, anyway)
    if file is None:
        whole = task.sample is not None and writes_whole(vocabulary, task.sample.stop)
        with doing(f"writing {length:,} {UNITS[vocabulary.tokens]}s"):
            text = _written(network, vocabulary, sampling, whole=whole)
    else:
        text = encode(vocabulary, read_file(file, encoding, found), unknown).astype(np.int64)
    if len(text) == 0:
        raise TextError("The text is empty.", hint="Give a file with text, or --length of at least 1.")
    training, held_out = task.text("train"), task.text("test")[: len(text)].astype(np.int64)
    with waiting(f"Looking through {len(training):,} {UNITS[vocabulary.tokens]}s", len(training)) as watch:
        none = [len(vocabulary)]  # a symbol that stands nowhere, so that both are looked for at once
        lengths, sources = shared_lengths(np.concatenate([text, none, held_out]), training, watch)
    own = lengths[: len(text)]
    data = {
        "run": found.id,
        "unit": UNITS[vocabulary.tokens],
        "length": len(text),
        **_figures(own, ""),
        **_figures(lengths[len(text) + 1 :], "held_out_"),
        "passages": [
            {
                "length": passage.length,
                "position": passage.start + 1,
                "training_line": int((training[: passage.source] == _end(vocabulary)).sum()) + 1,
                "text": vocabulary.decode(text[passage.start : passage.start + passage.length]),
            }
            for passage in passages(own, sources[: len(text)], count)
        ],
    }
    return show_json(data) if as_json else _show(data)


def _written(
    network: SequenceModel, vocabulary: Vocabulary, sampling: Sampling, *, whole: bool
) -> NDArray[np.int64]:
    """Return a sample: one text, or whole lines behind one another, each from the start state."""
    from itertools import chain, count, islice

    import numpy as np

    from seqlab.generation import generate

    start = vocabulary.encode(vocabulary.start or vocabulary.symbols[0])
    stop = start.tolist() if whole else ()
    texts = (generate(network, start, sampling, stop=stop, index=index) for index in count())
    return np.fromiter(islice(chain.from_iterable(texts), sampling.length), np.int64)


def _task_of(run: Run, model: str | None, anyway: bool) -> Task:
    """Build the run's task again, which reads its text."""
    from seqlab.errors import RunFolderError
    from seqlab.session import reopen

    if run.info().data_hash is None:
        raise RunFolderError(
            f"{run.id} was not trained on a text, so there is none that it could repeat.",
            hint="Name a run of char-shakespeare or another text.",
        )
    return reopen(run, model, anyway=anyway).task


def _figures(lengths: NDArray[np.int64], prefix: str) -> dict[str, float]:
    return {f"{prefix}longest": int(lengths.max()), f"{prefix}mean": float(lengths.mean())}


def _end(vocabulary: Vocabulary) -> int:
    """Return the symbol that ends a line, or one that no text holds."""
    return int(vocabulary.encode("\n")[0]) if "\n" in vocabulary.symbols else -1


def _show(data: dict[str, Any]) -> None:
    unit = data["unit"]
    rows = [
        (str(one["length"]), str(one["position"]), str(one["training_line"]), visible(one["text"]))
        for one in data["passages"]
    ]
    show_table((f"{unit}s", "position", "training line", "passage"), rows)
    say(
        f"of {data['length']:,} {unit}s, the longest shared passage has {data['longest']}, "
        f"the mean from any place {data['mean']:.1f};\n"
        f"of held-out text, which nobody copied, {data['held_out_longest']} and {data['held_out_mean']:.1f}"
    )
