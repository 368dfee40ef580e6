"""Pictures of a user's, brought into the form in which a task shows its own."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from seqlab.errors import TextError
from seqlab.outside import open_ordinary
from seqlab.tasks import Form
from seqlab.tasks._seeing import FAINT, Pixels

FORMATS = ("PNG", "JPEG")
MOST = 32_000_000
"""Pixels of a picture that is read. A small file may unpack to any size."""


@dataclass(frozen=True)
class Seen:
    """A picture as it is shown to a model.

    Attributes:
        pixels: (R, C, features), from 0 to 1.
        how: what was done to it, step by step, in words.
    """

    pixels: Pixels
    how: tuple[str, ...]


def see_file(path: Path, form: Form) -> Seen:
    """Read a PNG or a JPEG and bring it into a form.

    What is transparent is white. For shades of grey, colours become their luma (ITU-R 601), a picture whose
    edge is brighter than the middle grey is inverted, and what is as dark as its edge becomes 0. Where the
    form has a ``fill``, it is cut to what is at least a quarter as bright as its brightest pixel. Then it is
    resized with its sides in their ratio, smaller by areas and larger between pixels, until it fits, and put
    into the middle; around it is the median of the edge that it had. Shades are stretched so that the
    brightest is 1.

    Args:
        path: of the file.
        form: of the task.

    Raises:
        TextError: when it is none, is too large, or shows nothing.
    """
    image = _opened(path)
    how = [f"{image.width} x {image.height} pixels"]
    pixels = _coloured(image) if form.features == 3 else _grey(image)
    ground = np.median(_edge(pixels), 0)
    if form.features == 1 and ground[0] > 0.5:
        pixels, ground = np.float32(1) - pixels, 1 - ground
        how.append("inverted, since its edge is bright")
    if form.features == 1:  # paper is hardly ever white, and the pictures learned from have no ground at all
        pixels, ground = np.maximum(pixels - ground, 0), np.zeros_like(ground)
    room = form.rows, form.columns
    if form.fill is not None:
        pixels = _cut(pixels, path)
        how.append(f"cut to the {pixels.shape[1]} x {pixels.shape[0]} that show something")
        room = round(form.rows * form.fill), round(form.columns * form.fill)
    scale = min(whole / own for whole, own in zip(room, pixels.shape, strict=False))
    rows, columns = (
        min(whole, max(1, round(own * scale))) for whole, own in zip(room, pixels.shape, strict=False)
    )
    if (rows, columns) != pixels.shape[:2]:
        pixels = _resized(pixels, rows, columns)
        how.append(f"resized to {columns} x {rows}")
    if (rows, columns) != (form.rows, form.columns):
        how.append(f"put into the middle of {form.columns} x {form.rows}")
    shown: Pixels = np.empty((form.rows, form.columns, form.features), np.float32)
    shown[:] = ground
    top, left = (form.rows - rows) // 2, (form.columns - columns) // 2
    shown[top : top + rows, left : left + columns] = pixels
    if form.features == 1:
        shown /= max(shown.max(), 1e-6)
    return Seen(shown, tuple(how))


def _opened(path: Path) -> Image.Image:
    """Return the picture of a file, upright, whose pixels can be read."""
    try:
        with warnings.catch_warnings(), open_ordinary(path) as opened:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(opened, formats=FORMATS)
            if image.width * image.height > MOST:
                size = f"{image.width:,} x {image.height:,}"
                raise TextError(
                    f"{str(path)!r} is {size} pixels; up to {MOST:,} are read.", hint="Make it smaller."
                )
            image.load()
            return ImageOps.exif_transpose(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TextError(f"{str(path)!r} has more than {MOST:,} pixels.", hint="Make it smaller.") from None
    except UnidentifiedImageError:
        raise TextError(f"{str(path)!r} is no picture in PNG or JPEG.", hint="Save it as PNG.") from None
    except FileNotFoundError:
        raise TextError(f"There is no file {str(path)!r}.") from None
    except IsADirectoryError:
        raise TextError(
            f"{str(path)!r} is a folder, not a picture.", hint="Name one PNG or JPEG file."
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise TextError(f"{str(path)!r} cannot be read: {error}.", hint="Is it whole?") from None


def _grey(image: Image.Image) -> Pixels:
    """Return shades, (R, C, 1), from 0 to 1."""
    if image.mode.startswith("I"):  # 16 bits
        return np.asarray(image, np.float32)[..., None] / np.float32(65535)
    return np.asarray(_on_white(image).convert("L"), np.float32)[..., None] / np.float32(255)


def _coloured(image: Image.Image) -> Pixels:
    """Return red, green and blue, (R, C, 3), from 0 to 1."""
    if image.mode.startswith("I"):
        return np.repeat(_grey(image), 3, -1)
    return np.asarray(_on_white(image).convert("RGB"), np.float32) / np.float32(255)


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    seen = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)


def _edge(pixels: Pixels) -> Pixels:
    """Return the outermost pixels, (N, features)."""
    sides = pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]
    return np.concatenate(sides)


def _cut(pixels: Pixels, path: Path) -> Pixels:
    """Cut a picture of shades to the rows and columns in which it shows something."""
    shows = pixels[..., 0] > FAINT * pixels.max()
    if shows.all() or not shows.any():
        raise TextError(f"{str(path)!r} shows nothing: it is of one shade.")
    rows, columns = (np.flatnonzero(shows.any(axis)) for axis in (1, 0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _resized(pixels: Pixels, rows: int, columns: int) -> Pixels:
    """Return a picture smaller, each pixel the mean of an area; or larger, bilinear between pixels."""
    is_smaller = rows < pixels.shape[0]
    rule = Image.Resampling.BOX if is_smaller else Image.Resampling.BILINEAR
    planes = np.moveaxis(pixels, -1, 0)
    return np.stack(
        [np.asarray(Image.fromarray(plane).resize((columns, rows), rule)) for plane in planes], -1
    )
