"""`seqlab sample`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqlab.cli import options
from seqlab.cli.console import tell
from seqlab.cli.language_model import (
    Alone,
    Encoding,
    Json,
    NewestRun,
    Unknown,
    harmless,
    open_language_model,
    read_file,
    visible,
)
from seqlab.cli.sheet import drawing_run, refuse_words, show_sheet
from seqlab.cli.show import run_words
from seqlab.cli.whole import novelty, tell_novelty, writes_whole
from seqlab.files import to_json
from seqlab.plugins import flags

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from seqlab.generation import Sampling
    from seqlab.generation.rule import Symbols
    from seqlab.models import SequenceModel
    from seqlab.runs import Run
    from seqlab.text import Vocabulary
    from seqlab.text.vocabulary import Codes


def sample(
    run: NewestRun = None,
    prime: Annotated[
        str | None, typer.Option(help="The text to go on from; default: that of the run's own samples.")
    ] = None,
    prime_file: Annotated[
        Path | None, typer.Option(help="A file with the text to go on from; - for standard input.")
    ] = None,
    encoding: Encoding = None,
    length: Annotated[
        int | None,
        typer.Option(help="Characters (bytes, words) to write; default: as in the run, mostly 400."),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="Below 1 safer, above 1 wilder, 0 the likeliest; default: as in the run, mostly 0.8."
        ),
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Draw from this many likeliest characters only.")] = None,
    top_p: Annotated[
        float, typer.Option(help="Draw from the likeliest that hold this share of the probability.")
    ] = 1.0,
    min_p: Annotated[
        float, typer.Option(help="Leave out what has less than this share of the likeliest's probability.")
    ] = 0.0,
    repetition_penalty: Annotated[
        float, typer.Option(help="Above 1, what was written already is less likely.")
    ] = 1.0,
    count: Annotated[
        int | None, typer.Option(help="Texts to write, or pictures to draw; default: 1 text, 25 pictures.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 1,
    stop: Annotated[
        str | None, typer.Option(help="End a text once this has been written in it; default: as in the run.")
    ] = None,
    unknown: Unknown = "refuse",
    checkpoint: options.Checkpoint = "best",
    alone: Alone = False,
    model: options.OwnModel = None,
    anyway: options.Anyway = False,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of the screen.")] = None,
    each: Annotated[
        Literal["line", "file"] | None,
        typer.Option(help="A text a line; or a file, in the folder named by --output."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write text with a trained language model; or draw a sheet of pictures with a model that draws.

    Examples: seqlab sample --prime "the" / seqlab sample latest --temperature 0.5 --count 3 --json /
    seqlab sample draw --count 49 --output sheet.png
    """
    from seqlab.errors import UsageError
    from seqlab.generation import Sampling, generate
    from seqlab.generation.priming import encode
    from seqlab.models import Mixture
    from seqlab.text.tokens import UNITS

    if prime is not None and prime_file is not None:
        raise UsageError("Both --prime and --prime-file are given.", hint="Leave one out.")
    if count is not None and count < 1:
        raise UsageError(f"count is {count}.", hint="It must be a whole number, 1 or more.")
    drawing = drawing_run(run)
    if drawing is not None:
        words = {
            "--prime": prime,
            "--prime-file": prime_file,
            "--length": length,
            "--each": each,
            "--stop": stop,
        }
        refuse_words(drawing, words)
        return show_sheet(drawing, count, seed, checkpoint, model, output, anyway=anyway, as_json=as_json)
    count = 1 if count is None else count
    _check_output(output, each, as_json)
    found, network, vocabulary = open_language_model(run, checkpoint, model, alone=alone, anyway=anyway)
    if each != "file":
        options.require_writable(output, "--output", [found], *([] if prime_file is None else [prime_file]))
    usual = found.info().extra.get("sample") or {}
    sampling = Sampling(
        usual.get("length", 400) if length is None else length,
        usual.get("temperature", 0.8) if temperature is None else temperature,
        seed, top_k, top_p, min_p, repetition_penalty,
    )  # fmt: skip
    if prime is None and usual.get("prime") != vocabulary.start:
        prime = usual.get("prime")
    codes = encode(vocabulary, read_file(prime_file, encoding, found) if prime_file else prime or "", unknown)
    own_stop = usual.get("stop", "")
    stop = own_stop if stop is None else stop
    whole = writes_whole(vocabulary, own_stop)
    asked = _Asked(sampling, count, codes, stop, _end(vocabulary, stop, unknown), whole and stop == own_stop)
    start = _start(vocabulary, codes, from_beginning=whole)
    texts: list[Symbols]
    if count == 1 and output is None and each is None and not as_json and not asked.whole:
        symbols = generate(network, start, sampling, stop=asked.end)
        texts = [_stream(vocabulary.decode(codes), symbols, vocabulary)]
    else:
        texts = [*_write(network, start, asked)]
        full = [*map(asked.full, texts)]
        new = novelty(found, model, full, asked.end, anyway=anyway) if asked.whole else None
        if as_json:
            made = {"stop": stop, "checkpoint": checkpoint, "mixed": isinstance(network, Mixture)}
            settings = {**dataclasses.asdict(sampling), **made}
            data = {
                "run": found.id,
                "prime": vocabulary.decode(codes),
                "settings": settings,
                "texts": _figures(network, vocabulary, asked, start, texts),
                **({"novelty": new} if asked.whole else {}),
            }
            _deliver(to_json(data, indent=2) + "\n", output)
        else:
            _hand_over([*map(vocabulary.decode, full)], output, each, asked)
        if new is not None:
            tell_novelty(new)
    _advise(sampling, texts, UNITS[vocabulary.tokens])
    return _point_on(found, sampling)


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What texts are asked for.

    Attributes:
        sampling: how they are drawn.
        count: how many.
        prime: what they go on from, (P,) symbols.
        stop: with which a text ends.
        end: the symbols of that.
        whole: whether a text is a line, block or record from its beginning to its end.
    """

    sampling: Sampling
    count: int
    prime: Codes
    stop: str
    end: list[int]
    whole: bool

    def full(self, text: Symbols) -> Symbols:
        """Return a text that was written, with what it goes on from."""
        import numpy as np

        return np.concatenate([self.prime, text])


def _start(vocabulary: Vocabulary, prime: Codes, *, from_beginning: bool) -> Codes:
    """Return the symbols that are read before any is written, at least one."""
    import numpy as np

    beginning = vocabulary.encode(vocabulary.start or vocabulary.symbols[0])
    if not len(prime):
        return beginning
    missing = from_beginning and prime[0] != beginning[0]
    return np.concatenate([beginning, prime]) if missing else prime


def _check_output(output: Path | None, each: str | None, as_json: bool) -> None:
    """Refuse at once what could not be written at the end.

    Raises:
        UsageError: saying what is wrong with where the texts are to go.
    """
    from seqlab.errors import UsageError

    if each is not None and as_json:
        raise UsageError("Both --each and --json are given.", hint="Leave one out.")
    if each == "file" and output is None:
        raise UsageError("--each file asks for a folder.", hint="Name one: --output FOLDER")
    if output is None:
        return
    if each != "file" and output.is_dir():
        raise UsageError(f"{str(output)!r} is a folder.", hint="Name a file, or add --each file.")
    if not output.parent.is_dir():
        raise UsageError(f"{str(output)!r} cannot be written: there is no folder {str(output.parent)!r}.")


def _advise(sampling: Sampling, texts: Sequence[Symbols], unit: str) -> None:
    """Say what there is to say about texts that are all the same, or go round in circles."""
    from seqlab.generation.repetition import circle_of

    if sampling.temperature == 0 and len(texts) > 1:
        _say(f"At temperature 0 all {len(texts)} texts are the same: each symbol is the likeliest.")
    circles = [length for length in map(circle_of, texts) if length is not None]
    if circles:
        who = "The text goes" if len(texts) == 1 else f"{len(circles)} of {len(texts)} texts go"
        _say(
            f"{who} round in a circle of {circles[0]} {unit}s; "
            "--temperature 0.8 or --repetition-penalty 1.2 may lead out."
        )


def _point_on(run: Run, sampling: Sampling) -> None:
    info, name = run.info(), run_words(run)
    another = f"--seed {sampling.seed + 1}" if sampling.temperature > 0 else "--temperature 0.8"
    own = flags(info.model, "")
    copied = f", or seqlab novel {name}{own}" if info.data_hash is not None else ""
    _say(f"Next: seqlab sample {name}{own} {another}{copied}")


def _end(vocabulary: Vocabulary, stop: str, unknown: Unknown) -> list[int]:
    """Return the symbols after which a text ends."""
    from seqlab.errors import TextError
    from seqlab.generation.priming import encode

    try:
        symbols: list[int] = encode(vocabulary, stop, unknown).tolist()
    except TextError as error:
        raise TextError(f"--stop: {error.message}", hint="No text of this model can end so.") from None
    return symbols


def _stream(shown: str, symbols: Iterator[int], vocabulary: Vocabulary) -> Symbols:
    """Print a text while it is written: on a terminal character by character. Return its symbols."""
    import numpy as np

    live = sys.stdout.isatty()
    sys.stdout.write(shown)
    written: list[int] = []

    def noted() -> Iterator[int]:
        for symbol in symbols:
            written.append(symbol)
            yield symbol

    for piece in vocabulary.stream(noted()):
        sys.stdout.write(harmless(piece) if live else piece)
        if live:
            sys.stdout.flush()
    sys.stdout.write("\n")
    return np.array(written, np.int64)


def _write(network: SequenceModel, start: Codes, asked: _Asked) -> list[NDArray[np.int64]]:
    import numpy as np

    from seqlab.fused.many import generate_many
    from seqlab.generation import generate

    if asked.count == 1:
        return [np.fromiter(generate(network, start, asked.sampling, stop=asked.end), np.int64)]
    return generate_many(network, start, asked.sampling, asked.count, stop=asked.end, announce=_say)


def _figures(
    network: SequenceModel, vocabulary: Vocabulary, asked: _Asked, start: Codes, texts: Sequence[Symbols]
) -> list[dict[str, Any]]:
    """Describe each text; its log-probability is that of what was written, given the prime."""
    import numpy as np

    from seqlab.generation.scoring import log_probabilities

    shown, stop = vocabulary.decode(asked.prime), asked.end
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
                "stopped": bool(stop) and text[-len(stop) :].tolist() == stop,
                "log_probability_per_character": log_probability / len(written) if written else None,
            }
        )
    return figures


def _headed(texts: list[str]) -> str:
    """Put texts behind one another, each below its number where there are several."""
    if len(texts) == 1:
        return texts[0] + "\n"
    return "".join(f"--- {number} of {len(texts)} ---\n{text}\n" for number, text in enumerate(texts, 1))


def _hand_over(texts: list[str], output: Path | None, each: str | None, asked: _Asked) -> None:
    """Print or write texts: below their numbers, a line each (without what it stopped at), or a file each.

    Whole texts come without their ends and, where each is a line, a line each.
    """
    from seqlab.errors import UsageError
    from seqlab.files import write_output

    if asked.whole:
        texts = [text.removesuffix(asked.stop) for text in texts]
        each = each or ("line" if asked.stop == "\n" else None)
    if each == "line":
        lines = (visible(text.removesuffix(asked.stop).strip("\n")) for text in texts)
        return _deliver("".join(f"{line}\n" for line in lines), output)
    if each is None or output is None:
        return _deliver(_headed(texts), output)
    try:
        output.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"{str(output)!r} cannot be written: {error.strerror}.") from None
    for number, text in enumerate(texts, 1):
        write_output(output / f"{number:0{len(str(len(texts)))}}.txt", text + "\n")
    return _say(f"{len(texts)} files written to {output}")


def _deliver(result: str, output: Path | None) -> None:
    from seqlab.files import write_output

    if output is None:
        sys.stdout.write(result)
        return
    write_output(output, result)
    _say(f"Written to {output}")


def _say(line: str) -> None:
    tell(line)
