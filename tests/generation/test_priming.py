"""Primes: what a model does not know is named, left out, or replaced."""

from __future__ import annotations

import pytest

from seqlab.errors import TextError
from seqlab.generation.priming import encode, known
from seqlab.text import Vocabulary
from seqlab.text.tokens import count
from seqlab.text.vocabulary import RARE

ENGLISH = Vocabulary.of("to be, or not\n")
KOREAN = Vocabulary.of("자세히 보아야 예쁘다\n")


def test_an_unknown_character_is_named_with_its_position() -> None:
    with pytest.raises(TextError) as caught:
        encode(ENGLISH, "to 예be")
    assert "'예' (U+C608) at position 4" in caught.value.message
    assert "--unknown skip" in (caught.value.hint or "")
    assert "--unknown replace" in (caught.value.hint or "")


def test_unknown_characters_are_left_out_or_replaced() -> None:
    assert ENGLISH.decode(encode(ENGLISH, "to 예bZe", "skip")) == "to be"
    assert ENGLISH.decode(encode(ENGLISH, "Tö BÉ예", "replace")) == "to be "
    assert [known(Vocabulary.of("ab"), sign) for sign in "xb"] == ["a", "b"]
    assert len(encode(ENGLISH, "ZZZ", "skip")) == 0


def test_korean_and_the_empty_text() -> None:
    assert KOREAN.decode(encode(KOREAN, "예쁘다")) == "예쁘다"
    assert len(encode(KOREAN, "")) == 0


def test_the_start_is_the_end_of_a_line_where_there_is_one() -> None:
    assert KOREAN.start == "\n"
    assert Vocabulary.of("hello").start is None


def test_unknown_words_are_left_out_replaced_or_rare() -> None:
    text = "To be, or not to be. ten\n"
    words = Vocabulary.counted(count([text], "word"), "word")
    with pytest.raises(TextError, match="The word 'Ten' at position 4"):
        encode(words, "to Ten")
    assert words.decode(encode(words, "to Tén or zzz", "replace")) == "to ten or  "
    assert words.decode(encode(words, "to zzz-be", "skip")) == "to be"
    folded = Vocabulary.counted(count([text * 3, "seldom "], "word"), "word", rare=2)
    assert folded.decode(encode(folded, "to zzz")) == f"to {RARE}"
    assert folded.decode(encode(folded, "to zzz TO", "replace")) == f"to {RARE} to"
    assert folded.decode(encode(folded, "to zzz TO", "skip")) == "to  "
