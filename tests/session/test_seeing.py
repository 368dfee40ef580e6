"""How a user's picture is brought into the form of a task's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seqlab.errors import TextError
from seqlab.session.seeing import see_file
from seqlab.tasks import Form

Shades = list[list[int]]
L_SHAPE = np.array([[0, 0, 0, 0], [0, 200, 0, 0], [0, 200, 100, 0], [0, 0, 0, 0]], np.uint8)


def saved(folder: Path, pixels: np.ndarray, mode: str | None = None, name: str = "picture.png") -> Path:  # type: ignore[type-arg]
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(folder / name)
    return folder / name


def test_a_picture_of_the_right_size_is_taken_as_it_is_but_for_its_brightness(tmp_path: Path) -> None:
    seen = see_file(saved(tmp_path, L_SHAPE), Form(4, 4))
    assert seen.pixels.shape == (4, 4, 1)
    assert np.allclose(seen.pixels[..., 0], L_SHAPE / 200)
    assert seen.how == ("4 x 4 pixels",)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA"])
def test_dark_on_bright_is_inverted_whatever_holds_the_shades(tmp_path: Path, mode: str) -> None:
    seen = see_file(saved(tmp_path, 255 - L_SHAPE, mode), Form(4, 4))
    assert np.allclose(seen.pixels[..., 0], L_SHAPE / 200, atol=0.01)
    assert seen.how == ("4 x 4 pixels", "inverted, since its edge is bright")


def test_paper_that_is_not_white_becomes_the_ground_of_what_was_learned_from(tmp_path: Path) -> None:
    """Ink of shade 30 on paper of shade 230, with a margin above and below where the picture ends."""
    paper = np.full((4, 8), 230, np.uint8)
    paper[1:3, 3] = 30
    seen = see_file(saved(tmp_path, paper), Form(8, 8))
    assert sorted({*seen.pixels.ravel().round(6).tolist()}) == [0, 1]
    assert np.argwhere(seen.pixels[..., 0]).tolist() == [[3, 3], [4, 3]]


def test_shades_of_16_bits_are_read(tmp_path: Path) -> None:
    seen = see_file(saved(tmp_path, L_SHAPE.astype(np.uint16) * 300), Form(4, 4))
    assert np.allclose(seen.pixels[..., 0], L_SHAPE / 200)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    """Black strokes on nothing, as drawing programs save them."""
    strokes = np.zeros((4, 4, 4), np.uint8)
    strokes[..., 3] = L_SHAPE
    assert np.allclose(
        see_file(saved(tmp_path, strokes), Form(4, 4)).pixels[..., 0], L_SHAPE / 200, atol=0.01
    )


def test_one_thing_is_cut_out_and_put_into_the_middle(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60), np.uint8)
    pixels[3:11, 5:9] = 255  # 8 high, 4 wide
    seen = see_file(saved(tmp_path, pixels), Form(8, 8, fill=0.5))
    wanted = np.zeros((8, 8))
    wanted[2:6, 3:5] = 1
    assert np.allclose(seen.pixels[..., 0], wanted)
    assert seen.how == (
        "60 x 40 pixels", "cut to the 4 x 8 that show something", "resized to 2 x 4",
        "put into the middle of 8 x 8",
    )  # fmt: skip


def test_a_picture_of_another_form_is_fitted_with_its_ground_around_it(tmp_path: Path) -> None:
    pixels = np.full((10, 20, 3), (10, 20, 200), np.uint8)
    pixels[4:6, 8:12] = (250, 0, 0)
    seen = see_file(saved(tmp_path, pixels), Form(10, 10, features=3))
    assert np.allclose(seen.pixels[0, 0] * 255, (10, 20, 200))
    assert np.allclose(seen.pixels[9, 9] * 255, (10, 20, 200))
    assert np.allclose(seen.pixels[4, 4:6] * 255, (250, 0, 0))
    assert seen.how[1:] == ("resized to 10 x 5", "put into the middle of 10 x 10")


def test_a_photograph_is_turned_as_its_camera_was_held(tmp_path: Path) -> None:
    image, exif = Image.fromarray(np.kron(L_SHAPE, np.ones((8, 8), np.uint8))), Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees to the right
    image.save(tmp_path / "photo.jpg", exif=exif, quality=100)
    seen = see_file(tmp_path / "photo.jpg", Form(4, 4))
    assert np.allclose(seen.pixels[..., 0], np.rot90(L_SHAPE, -1) / 200, atol=0.05)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    whole = saved(tmp_path, np.random.default_rng(1).integers(0, 255, (50, 50), np.uint8)).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(L_SHAPE).save(tmp_path / "picture.gif")
    saved(tmp_path, np.zeros((9, 9), np.uint8), name="black.png")
    for name, said in (
        ("none.png", "There is no file"),
        ("", "is a folder, not a picture"),
        ("text.png", "is no picture in PNG or JPEG"),
        ("picture.gif", "is no picture in PNG or JPEG"),
        ("half.png", "cannot be read"),
        ("black.png", "shows nothing"),
    ):
        with pytest.raises(TextError, match=said):
            see_file(tmp_path / name, Form(8, 8, fill=1.0))


@pytest.mark.parametrize("side", [6_000, 11_000, 60_000])
def test_a_small_file_that_unpacks_to_a_huge_picture_is_refused_before_it_is(
    tmp_path: Path, side: int
) -> None:
    """A header that promises so many pixels, and nothing behind it."""
    path = saved(tmp_path, L_SHAPE)
    content = bytearray(path.read_bytes())
    content[16:24] = side.to_bytes(4, "big") * 2
    from zlib import crc32

    content[29:33] = crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    with pytest.raises(TextError, match="pixels"):
        see_file(path, Form(8, 8))
