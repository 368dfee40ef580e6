"""Settings and readers, fed with what a fuzzer makes of them: nothing but seqlab's own errors may come out.

    pip install atheris
    python benchmarks/fuzz.py [TARGET] [--seconds 600]

Without a target each has its turn, with 60 seconds. Targets: settings, texts, stories, pairs, images, run, comparison. The fuzzer (Google's atheris) follows which lines
an input reaches, and goes on from there. It ends with the input in a file at the first uncaught exception, when one
input takes more than 10 seconds, or more than 2 GB of memory.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

try:
    import atheris  # type: ignore[import-not-found]
except ImportError:
    print("Not run: pip install atheris")
    sys.exit()

with atheris.instrument_imports(include=["seqlab"]):
    from seqlab.comparison.record import read as read_comparison
    from seqlab.errors import SeqlabError
    from seqlab.figures.page import page
    from seqlab.registry import resolve
    from seqlab.runs import Run, read_entry
    from seqlab.settings import TrainExperiment, check
    from seqlab.settings.reader import read_file
    from seqlab.tasks.pictures._idx import read_idx
    from seqlab.tasks.stories._published import Published
    from seqlab.text.parallel import load_pairs
    from seqlab.text.reading import read_blocks
    from seqlab.text.vocabulary import Vocabulary

FOLDER = Path(tempfile.mkdtemp(prefix="seqlab-fuzz-"))
ENCODINGS = ("utf-8", "utf-16", "cp949", "latin-1", "shift-jis")


def written(name: str, data: bytes) -> Path:
    path = FOLDER / name
    path.write_bytes(data)
    return path


def settings(data: bytes) -> None:
    document = read_file(written("fuzz.yaml", data))
    experiment = check(document)
    if isinstance(experiment, TrainExperiment):
        resolve(experiment, document)


def texts(data: bytes) -> None:
    encoding, path = ENCODINGS[data[0] % len(ENCODINGS) if data else 0], written("fuzz.txt", data[1:])
    text = "".join(read_blocks([path], encoding))
    vocabulary = Vocabulary.of(text) if text else None
    if vocabulary is not None:
        assert vocabulary.decode(vocabulary.encode(text)) == text


def stories(data: bytes) -> None:
    Published.read(str(written("fuzz.txt", data)))


def pairs(data: bytes) -> None:
    ending = (".tsv", ".po", ".mo")[data[0] % 3 if data else 0]
    load_pairs(str(written(f"fuzz{ending}", data[1:])))


def images(data: bytes) -> None:
    read_idx(written("fuzz-idx3-ubyte", data), "images")


def run(data: bytes) -> None:
    parts = (data.split(b"\0\0", 3) + [b""] * 3)[:4]
    for name, part in zip(("run.json", "summary.json", "metrics.jsonl", "config.yaml"), parts, strict=True):
        written(name, part)
    read_entry(FOLDER)
    for act in (Run(FOLDER).metrics, Run(FOLDER).summary, Run(FOLDER).settings, Run(FOLDER).answers):
        with suppress(SeqlabError):
            act()


def comparison(data: bytes) -> None:
    written("comparison.json", data)
    page(read_comparison(FOLDER), FOLDER)


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one for one in (settings, texts, stories, pairs, images, run, comparison)
}
BEGINNINGS = {
    "settings": b"kind: train\ntask: {name: hello}\nmodel: {name: rnn, hidden_size: 8}\ntraining: {steps: 3}\n",
    "texts": b"\0To be, or not to be\r\n",
    "stories": b"1 Mary went home.\n2 Where is Mary?\thome\t1\n1 John left.\n2 Where is John?\tout\t1\n" * 3,
    "pairs": b'\1msgid "one"\nmsgstr "eins"\n',
    "images": b"\0\0\x08\x03\0\0\0\1\0\0\0\2\0\0\0\2abcd",
    "run": b'{"status": "finished", "created": "", "experiment": "e", "model": "m", "seed": 1}\0\0{}\0\0{"step": 1}\n\0\0a: 1',
    "comparison": b'{"question": "?", "table": [{"model": "rnn"}], "verdict": "v", "runs": [], "figures": []}',
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=TARGETS, nargs="?")
    parser.add_argument("--seconds", type=int, default=600)
    asked = parser.parse_args()
    if asked.target is None:
        for name in TARGETS:
            subprocess.run([sys.executable, __file__, name, "--seconds", "60"], check=True)
        return
    corpus = Path(tempfile.mkdtemp(prefix=f"seqlab-{asked.target}-"))
    (corpus / "first").write_bytes(BEGINNINGS[asked.target])

    def once(data: bytes) -> None:
        with suppress(SeqlabError):
            TARGETS[asked.target](data)

    limits = [f"-max_total_time={asked.seconds}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=4096"]
    atheris.Setup([sys.argv[0], str(corpus), *limits], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
