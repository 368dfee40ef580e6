"""A text as numbers, in memory or, where it is large, in a file of the cache that is mapped into memory.

Nothing but a block of the text is ever held as Python objects: it is read twice, once to count its tokens and
once to write down their numbers.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np

from seqlab.doing import doing
from seqlab.errors import SeqlabError, TextError
from seqlab.files import SEAL, cache_folder, file_sha256, read_json, sealed, to_json, unsealed
from seqlab.text.corpora import Corpus
from seqlab.text.reading import USUAL, Documents, Form
from seqlab.text.tokens import Tokens, count
from seqlab.text.vocabulary import Codes, Vocabulary

IN_MEMORY = 16 * 1024**2
"""Bytes up to which a text is encoded anew each time and kept in memory."""

TRAINING_SHARE = 0.9
"""Of a text; the rest is held out."""

FORMAT = 3
"""Of what lies in the cache; another number makes it be built anew."""

_CODES, _FACTS = "codes.npy", "facts.json"
_warn = logging.getLogger("seqlab").warning


@dataclass(frozen=True)
class Reading:
    """How a text is turned into tokens.

    Attributes:
        encoding: of the files, by its name in Python.
        form: into which the text is brought.
        tokens: what a symbol is.
        rare: tokens seen less often than this are folded into one symbol.
        documents: whether files are joined, or each is marked at its beginning.
        also: a text whose tokens are in the vocabulary, too, whether the files have them or not.
    """

    encoding: str = "utf-8"
    form: Form = USUAL
    tokens: Tokens = "char"
    rare: int = 0
    documents: Documents = "joined"
    also: str = ""


@dataclass(frozen=True)
class EncodedText:
    """A text as numbers.

    Attributes:
        vocabulary: what the numbers mean, with counts.
        codes: (T,) numbers; read-only where they lie in the cache.
        characters: the length of the text.
        sha256: of the text in UTF-8, as it was read and normalised.
        replaced: the ends of lines that became line feeds.
        path: where in the cache it lies, or None.
    """

    vocabulary: Vocabulary
    codes: Codes
    characters: int
    sha256: str
    replaced: tuple[str, ...] = ()
    path: Path | None = None


_SHARED: WeakValueDictionary[object, EncodedText] = WeakValueDictionary()
"""Texts that some task of this process has read; the next that reads the same files likewise takes them."""


def encode_corpus(
    corpus: Corpus, reading: Reading, *, announce: Callable[[str], None] = _warn
) -> EncodedText:
    """Return a corpus as numbers.

    One of more than :data:`IN_MEMORY` bytes is encoded once and kept in the cache, under a key made of its
    content and the reading. Two processes may do so at once: each writes a folder of its own, and the first
    that is done puts it at its place. What lies there carries checksums, which are compared whenever it is
    read; where one does not fit it is encoded anew.

    Args:
        corpus: where the text lies.
        reading: how it is turned into tokens.
        announce: is told before anything large is encoded.

    Raises:
        TextError: when the text is empty or no text, or the cache cannot be written.
    """
    try:
        stamps = [path.stat() for path in corpus.files]
        files = zip(corpus.files, ((stamp.st_mtime_ns, stamp.st_size) for stamp in stamps), strict=True)
        same = (reading, *files)
    except OSError as error:
        raise TextError(f"{corpus.name!r} cannot be read: {error.strerror}.") from None
    found = _SHARED.get(same)
    if found is None:
        with doing(f"reading the text {corpus.name}"):
            found = _SHARED[same] = _read(corpus, reading, sum(stamp.st_size for stamp in stamps), announce)
    return found


def _read(corpus: Corpus, reading: Reading, size: int, announce: Callable[[str], None]) -> EncodedText:
    """Encode a text, or take it out of the cache."""
    try:
        if size <= IN_MEMORY:
            return _encode(corpus, reading, np.empty)
        place = cache_folder() / "encoded" / _key(corpus, reading)
    except OSError as error:
        raise TextError(f"{corpus.name!r} cannot be read: {error.strerror}.") from None
    kept = _load(place)
    if kept is None:
        announce(f"Encoding {corpus.name} ({size / 1e6:,.0f} MB); the result is kept in {place.parent}.")
        try:
            _build(corpus, reading, place)
        except OSError as error:
            raise TextError(
                f"The encoded text cannot be kept in {place.parent}: {error.strerror or error}.",
                hint="Set SEQLAB_CACHE_DIR to a folder that you may write to and that has room.",
            ) from None
        kept = _load(place)
    if kept is None:
        raise TextError(f"{place} cannot be read again.", hint="Remove it, and try again.")
    return kept


def _encode(
    corpus: Corpus, reading: Reading, allocate: Callable[[int, type[np.generic]], Codes]
) -> EncodedText:
    """Read a text twice: count its tokens, and put their numbers into an array that is made for them."""
    told = {"characters": 0}
    digest, replaced = hashlib.sha256(), set[str]()

    def counted() -> Iterator[str]:
        filled = False
        for block in corpus.blocks(reading.encoding, reading.form, reading.documents, replaced):
            filled = filled or bool(block.strip())
            told["characters"] += len(block)
            digest.update(block.encode("utf-8", "surrogatepass"))
            yield block
        if not filled:
            raise TextError(f"{corpus.name!r} is empty.", hint="Give a text with something in it.")

    counts = count(counted(), reading.tokens)
    vocabulary = Vocabulary.counted(counts, reading.tokens, reading.form, reading.rare, reading.also)
    codes = allocate(counts.total(), vocabulary.dtype)
    place = 0
    try:
        for block in corpus.blocks(reading.encoding, reading.form, reading.documents):
            numbers = vocabulary.encode(block)
            codes[place : place + len(numbers)] = numbers
            place += len(numbers)
    except (TextError, ValueError):
        place = -1
    if place != len(codes):
        raise TextError(f"{corpus.name!r} was changed while it was read.", hint="Try again.")
    return EncodedText(vocabulary, codes, told["characters"], digest.hexdigest(), tuple(sorted(replaced)))


def _key(corpus: Corpus, reading: Reading) -> str:
    """Return what the encoded text depends on, hashed: content, reading, version of Unicode."""
    content = hashlib.sha256()
    for path in corpus.files:
        content.update(bytes.fromhex(file_sha256(path)))
    facts = [FORMAT, content.hexdigest(), asdict(reading), unicodedata.unidata_version]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _build(corpus: Corpus, reading: Reading, place: Path) -> None:
    """Encode into a folder of its own, and rename that to its place; another process may have been faster."""
    place.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{place.name}.", suffix=".part", dir=place.parent))
    try:

        def allocate(length: int, dtype: type[np.generic]) -> Codes:
            return np.lib.format.open_memmap(folder / _CODES, "w+", dtype, (length,))

        encoded = _encode(corpus, reading, allocate)
        assert isinstance(encoded.codes, np.memmap)
        encoded.codes.flush()
        facts = {
            "vocabulary": encoded.vocabulary.to_data(),
            "characters": encoded.characters,
            "text": encoded.sha256,
            "replaced": encoded.replaced,
            "codes": file_sha256(folder / _CODES),
        }
        del encoded
        (folder / _FACTS).write_text(to_json(sealed(facts)), encoding="utf-8")
        try:
            folder.rename(place)
        except OSError:
            if _load(place) is None:  # what is there is damaged, or no folder
                if place.is_dir() and not place.is_symlink():
                    shutil.rmtree(place)
                else:
                    place.unlink()
                folder.rename(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _load(place: Path) -> EncodedText | None:
    """Return what lies in the cache, or None where nothing does or it is not what was written."""
    try:
        told = read_json(place / _FACTS)
        facts = unsealed(told, place / _FACTS)
        whole = SEAL in told and (place / _CODES).is_file() and facts["codes"] == file_sha256(place / _CODES)
        if not whole or place.is_symlink():
            return None
        codes = np.load(place / _CODES, mmap_mode="r")
        vocabulary = Vocabulary.from_data(facts["vocabulary"])
        return EncodedText(
            vocabulary,
            np.asarray(codes),
            int(facts["characters"]),
            str(facts["text"]),
            tuple(facts["replaced"]),
            place,
        )
    except (OSError, ValueError, KeyError, TypeError, SeqlabError):
        return None
