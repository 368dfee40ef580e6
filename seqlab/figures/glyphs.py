"""Which signs the fonts of this machine can draw, and what stands for those that none of them has."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any
from unicodedata import category

from matplotlib import font_manager

from seqlab.errors import Remark

LATIN, MONOSPACED = "DejaVu Sans", "DejaVu Sans Mono"
"""They come with matplotlib: the same letters everywhere."""

_FURTHER = (
    *(f"Noto Sans CJK {region}" for region in ("KR", "JP", "SC", "TC")),
    *("Noto Sans KR", "Noto Sans JP", "Noto Sans SC", "NanumGothic", "UnDotum"),
    *("Apple SD Gothic Neo", "Hiragino Sans", "PingFang SC", "Arial Unicode MS"),
    *("Malgun Gothic", "Yu Gothic", "Microsoft YaHei", "Segoe UI Symbol"),
    *("IPAexGothic", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "Unifont"),
    *("Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Bengali", "Noto Sans Tamil", "Noto Emoji"),
)
"""Fonts of more letters, as Linux, macOS and Windows have them."""

ADVICE = (
    "No font of this machine has some of the signs in the pictures; they are drawn as their numbers. "
    "Chinese, Japanese and Korean come with the package fonts-noto-cjk, most others with fonts-noto-core."
)


@cache
def families(first: str = LATIN) -> dict[str, Any]:
    """Return matplotlib's setting of fonts: each sign is drawn by the first that has it.

    >>> families()["font.family"][0]
    'DejaVu Sans'
    """
    here = set(font_manager.get_font_names())
    found = [name for name in _FURTHER if name in here]
    return {"font.family": list(dict.fromkeys([first, LATIN, *found]))}


@cache
def can_draw(sign: str) -> bool:
    """Say whether a font of this machine has a sign.

    >>> can_draw("a")
    True
    """
    for family in families()["font.family"]:
        path = font_manager.findfont(family, fallback_to_default=False)
        if font_manager.get_font(path).get_char_index(ord(sign)):
            return True
    return False


def drawable(text: str) -> str:
    r"""Return a text with numbers, in base 16, for the signs that no font here has; a lone sign in two lines.

    Control characters but the end of a line are escaped: none has a glyph.

    Warns:
        Remark: where there are such signs, with what to install.

    >>> drawable("hé"), drawable("a\x07")
    ('hé', 'a\\x07')
    """
    text = "".join(
        f"\\x{ord(sign):02x}" if category(sign) == "Cc" and sign != "\n" else sign for sign in text
    )
    if text.isascii() or all(can_draw(sign) for sign in text if sign.isprintable()):
        return text
    warnings.warn(Remark(ADVICE), stacklevel=1)
    if len(text) == 1:
        number = f"{ord(text):04X}"
        return f"{number[:-2]}\n{number[-2:]}"
    return "".join(
        sign if not sign.isprintable() or can_draw(sign) else f"\\u{ord(sign):04x}" for sign in text
    )
