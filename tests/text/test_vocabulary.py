from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.errors import TextError
from seqlab.text import Vocabulary
from seqlab.text.reading import Form
from seqlab.text.tokens import Tokens, count
from seqlab.text.vocabulary import RARE


@given(text=st.text(min_size=1, max_size=60), data=st.data())
def test_what_is_encoded_is_decoded_again(text: str, data: st.DataObject) -> None:
    vocabulary = Vocabulary.of(text)
    part = "".join(data.draw(st.lists(st.sampled_from(vocabulary.symbols), max_size=40)))
    codes = vocabulary.encode(part)
    assert codes.tolist() == [vocabulary.symbols.index(symbol) for symbol in part]
    assert vocabulary.decode(codes) == part


def test_symbols_stand_in_the_order_of_their_code_points() -> None:
    assert Vocabulary.of("예쁘다 Zaé\n😀").symbols == ("\n", " ", "Z", "a", "é", "다", "쁘", "예", "😀")


@pytest.mark.parametrize(
    ("symbols", "dtype"), [(256, np.uint8), (257, np.uint16), (65_536, np.uint16), (65_537, np.int32)]
)
def test_codes_are_kept_as_small_as_they_can_be(symbols: int, dtype: type[np.generic]) -> None:
    text = "".join(chr(65_536 + place) for place in range(symbols))
    codes = Vocabulary.of(text).encode(text)
    assert codes.dtype == dtype
    assert np.array_equal(codes, np.arange(symbols))


@pytest.mark.parametrize(("text", "position"), [("abzc", 3), ("Zab", 1), ("ab가", 3), ("é", 1)])
def test_an_unknown_character_is_named_with_its_position(text: str, position: int) -> None:
    with pytest.raises(TextError) as caught:
        Vocabulary.of("bac").encode(text)
    character = text[position - 1]
    assert f"{character!r} (U+{ord(character):04X}) at position {position}" in caught.value.message
    assert caught.value.hint == "Leave it out, or use text made of: 'abc'"


def test_a_large_vocabulary_is_not_shown_whole() -> None:
    with pytest.raises(TextError) as caught:
        Vocabulary.of(map(chr, range(1000, 1200))).encode("a")
    assert caught.value.hint is not None
    assert caught.value.hint.endswith("and 120 more")


def test_a_broken_character_of_the_command_line_is_an_unknown_one() -> None:
    with pytest.raises(TextError, match="U\\+DC80"):
        Vocabulary.of("abc").encode("a\udc80")


def test_it_goes_through_json() -> None:
    vocabulary = Vocabulary.of("보아야 예쁘다\n")
    back = Vocabulary.from_data(json.loads(json.dumps(vocabulary.to_data())))
    assert back == vocabulary
    assert back.counts == vocabulary.counts
    for tokens in ("byte", "word"):
        made = Vocabulary.counted(count(["보아야 예쁘다 보아야\n"], tokens), tokens, Form("NFC"))
        again = Vocabulary.from_data(json.loads(json.dumps(made.to_data())))
        assert again == made
        assert again.decode(again.encode("예쁘다 ")) == "예쁘다 "


@pytest.mark.parametrize("symbols", [[], ["b", "a"], ["a", "a"], ["ab"], [""], [1]])
def test_damaged_symbols_are_refused(symbols: list[str]) -> None:
    with pytest.raises(TextError):
        Vocabulary.from_data({**Vocabulary.of("abc").to_data(), "symbols": symbols})


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens": "syllable"},
        {"normalisation": "NFX"},
        {"counts": [1]},
        {"counts": 3},
        {"folded": 2},
        {"symbols": None},
    ],
)
def test_damaged_data_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(TextError):
        Vocabulary.from_data({**Vocabulary.of("abc").to_data(), **wrong})
    with pytest.raises(TextError):
        Vocabulary.from_data({"symbols": ["a"]})


@pytest.mark.parametrize("code", [-1, 3])
def test_decoding_a_number_of_no_character_is_refused(code: int) -> None:
    with pytest.raises(ValueError, match=r"0\.\.2"):
        Vocabulary.of("abc").decode([0, code])


def test_nothing_is_encoded_as_nothing() -> None:
    assert len(Vocabulary.of("abc").encode("")) == 0
    assert Vocabulary.of("abc").decode([]) == ""


TEXT = "It was the best of times, it was the worst of times.\n예쁘다 예쁘다 😀"


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_rare_tokens_are_one_symbol(tokens: Tokens) -> None:
    counts = count([TEXT], tokens)
    vocabulary = Vocabulary.counted(counts, tokens, rare=2)
    rare = {token for token, number in counts.items() if number < 2}
    assert rare
    assert set(vocabulary.symbols) == {*counts} - rare | {RARE}
    assert vocabulary.folded == len(rare)
    assert sum(vocabulary.counts) == counts.total()
    codes = vocabulary.encode(TEXT)
    assert (codes == vocabulary.rare).sum() == len(rare)
    assert vocabulary.decode(codes) == "".join(
        RARE if token in rare else token for token in vocabulary.split(TEXT)
    )
    assert vocabulary.encode("Ж").tolist() == [vocabulary.rare], "what is unknown is rare"
    told = dict(zip(vocabulary.symbols, vocabulary.counts, strict=True))
    assert all(told[token] == counts[token] for token in told if token != RARE)
    assert vocabulary.lengths() @ np.bincount(codes) == pytest.approx(len(TEXT))


def test_nothing_is_folded_where_nothing_is_rare() -> None:
    vocabulary = Vocabulary.counted({"a": 3, "b": 2}, rare=2)
    assert vocabulary.rare is None
    with pytest.raises(TextError):
        vocabulary.encode("c")
    with pytest.raises(TextError, match="Nothing in the text is seen 4 times"):
        Vocabulary.counted({"a": 3, "b": 2}, rare=4)
    with pytest.raises(TextError, match="Bytes"):
        Vocabulary.counted(count(["a"], "byte"), "byte", rare=2)


def test_a_text_is_brought_into_the_form_of_the_vocabulary() -> None:
    vocabulary = Vocabulary.counted({"é": 1, "x": 1}, form=Form("NFC"))
    assert vocabulary.encode("e\u0301x").tolist() == vocabulary.encode("éx").tolist()


def test_an_unknown_word_is_named_with_its_position() -> None:
    vocabulary = Vocabulary.counted(count(["the cat"], "word"), "word")
    with pytest.raises(TextError, match="The word 'dog' at position 5 is none of the 3 words"):
        vocabulary.encode("the dog")


@given(text=st.text(max_size=60))
def test_every_text_is_bytes(text: str) -> None:
    vocabulary = Vocabulary.counted(count([], "byte"), "byte", Form(line_ends="keep"))
    codes = vocabulary.encode(text)
    assert len(vocabulary) == 256
    assert bytes(codes.tolist()) == text.encode()
    assert vocabulary.decode(codes) == text
    assert "".join(vocabulary.stream(codes.tolist())) == text
    assert vocabulary.lengths()[codes].sum() == len(text)


def test_bytes_that_are_no_text_can_be_shown() -> None:
    vocabulary = Vocabulary.counted(count([], "byte"), "byte")
    cut = [*"예".encode()[:2], ord("a"), 0xFF]
    assert vocabulary.decode(cut) == "\ufffda\ufffd"
    assert "".join(vocabulary.stream(cut)) == "\ufffda\ufffd"
