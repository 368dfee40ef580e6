from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.text.tokens import Tokens, count, join, split


@pytest.mark.parametrize("tokens", ["char", "byte", "word"])
@given(text=st.text(max_size=80))
def test_tokens_put_behind_one_another_are_the_text(tokens: Tokens, text: str) -> None:
    assert join(split(text, tokens), tokens) == text


@pytest.mark.parametrize("tokens", ["char", "byte", "word"])
@given(text=st.text(min_size=1, max_size=80))
def test_tokens_are_counted(tokens: Tokens, text: str) -> None:
    counted = count([text], tokens)
    assert +counted == Counter(split(text, tokens))
    assert +count([text, text], tokens) == Counter(split(text, tokens) * 2)


def test_words_of_several_scripts() -> None:
    assert split("나태주, «풀꽃»: don't_x 12\n", "word") == [
        "나태주", ",", " ", "«", "풀꽃", "»", ":", " ", "don", "'", "t_x", " ", "12", "\n",
    ]  # fmt: skip
    assert split("हिन्दी है", "word") == ["हिन्दी", " ", "है"], "vowel signs belong to the word"
    assert split("e\u0301te\u0301", "word") == ["e\u0301te\u0301"], "and so do combining accents"
    assert split("𠀀𠀁 😀😀", "word") == ["𠀀𠀁", " ", "😀", "😀"]
