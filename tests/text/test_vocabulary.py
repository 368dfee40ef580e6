from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.errors import TextError
from seqlab.text import Vocabulary


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
    assert Vocabulary.from_list(json.loads(json.dumps(vocabulary.to_list()))) == vocabulary


@pytest.mark.parametrize("symbols", [[], ["b", "a"], ["a", "a"], ["ab"], [""], [1]])
def test_a_damaged_list_is_refused(symbols: list[str]) -> None:
    with pytest.raises(TextError):
        Vocabulary.from_list(symbols)


@pytest.mark.parametrize("code", [-1, 3])
def test_decoding_a_number_of_no_character_is_refused(code: int) -> None:
    with pytest.raises(ValueError, match=r"0\.\.2"):
        Vocabulary.of("abc").decode([0, code])


def test_nothing_is_encoded_as_nothing() -> None:
    assert len(Vocabulary.of("abc").encode("")) == 0
    assert Vocabulary.of("abc").decode([]) == ""
