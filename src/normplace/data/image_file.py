"""One image file: what it holds, and its pixels as a person sees them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normplace.errors import UserError

# Those of which it is known how many bits and pictures a file holds. JPEG first: most files are, and each is tried.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
GREY_MODES = ("1", "L", "LA")
BACKGROUND = "white"  # what transparent images are laid on
TURNED = (5, 6, 7, 8)  # values of EXIF's orientation that swap width and height
ORIENTATION, BITS_PER_SAMPLE = 0x112, 258  # tags


class UnreadableImage(UserError):
    """An image that is not read; reason: why, without its name."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"image {file}: {reason}")
        self.reason = reason


class Facts(NamedTuple):
    """What an image's header says. size: width and height as it is seen. alpha: it can be transparent."""

    size: tuple[int, int]
    grey: bool
    alpha: bool


def facts(file: Path, *, whole: bool = False) -> Facts:
    """What is in a file, from its header, or from all of it, so that damage anywhere is found.

    Raises:
        UnreadableImage: no image, several in one file, more than 8 bits a channel, or damaged.
    """
    with _opened(file) as image:
        _refuse_more_than_is_read(file, image)
        size = image.size
        # A PNG may name its orientation behind its pixels: `pixels` sees it there. Pillow turns a TIFF's size itself.
        if image.format != "TIFF" and ("exif" in image.info or image.format != "PNG"):
            size = size[::-1] if image.getexif().get(ORIENTATION) in TURNED else size
        if whole:
            image.load()
        return Facts(size, image.mode in GREY_MODES, _has_alpha(image))


def pixels(file: Path, grey: bool) -> npt.NDArray[np.uint8]:
    """Its pixels as they are seen: turned as EXIF says, on white where transparent; [h, w] grey, else [h, w, 3].

    Raises:
        UnreadableImage: see `facts`.
    """
    from PIL import Image, ImageOps

    with _opened(file) as image:
        seen = ImageOps.exif_transpose(image)
        if _has_alpha(seen):
            seen = Image.alpha_composite(Image.new("RGBA", seen.size, BACKGROUND), seen.convert("RGBA"))
        return np.asarray(seen.convert("L" if grey else "RGB"))


def _has_alpha(image: Any) -> bool:
    return image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info


def _refuse_more_than_is_read(file: Path, image: Any) -> None:
    """Refuse what Pillow would shorten without a word: to its first picture, to the upper 8 bits."""
    if getattr(image, "is_animated", False):
        raise UnreadableImage(file, "several pictures in one file (frames or pages), where one is read")
    if (bits := _bits(image)) > 8:
        raise UnreadableImage(file, f"{bits} bits a channel, only 8 are read")
    if image.mode not in EIGHT_BIT_MODES:
        raise UnreadableImage(file, f"pixels of kind {image.mode}, which are not read")


def _bits(image: Any) -> int:
    """Bits a channel in the file, which Pillow's mode does not say: it has none for 16-bit colour."""
    if image.format == "TIFF":
        return int(max(image.tag_v2.get(BITS_PER_SAMPLE, (1,))))
    decoded_as = image.tile[0].args if image.tile else ""  # such as "RGB;16B", or ("RGB", 4095) in a PPM
    if image.format == "PPM" and isinstance(decoded_as, tuple):
        return int(decoded_as[1]).bit_length()
    return 16 if image.format in ("PNG", "PPM") and ";16" in str(decoded_as) else 8


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # Of EXIF that cannot be read (no viewer turns such an image), and of palettes, which are handled.
            warnings.simplefilter("ignore")
            with Image.open(file, formats=FORMATS) as image:
                yield image
    except UserError:
        raise
    except UnidentifiedImageError:
        raise UnreadableImage(file, f"no image, damaged, or not one of {', '.join(FORMATS)}") from None
    except MemoryError:
        raise
    except Exception as error:  # foreign bytes: Pillow's parsers raise whatever they stumble over
        what = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UnreadableImage(file, f"cannot be read ({what})") from None
