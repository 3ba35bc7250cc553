"""One image file: what it holds, and its pixels as a person sees them."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
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
ORIENTATION, BITS_PER_SAMPLE, SAMPLES_PER_PIXEL, SAMPLE_FORMAT = 0x112, 258, 277, 339  # tags
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # how one begins
UNSIGNED = 1  # the sample format of whole numbers from 0 on


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
        UnreadableImage: no image, several in one file, more than 8 bits per channel, or damaged.
    """
    with _opened(file) as image:
        _refuse_more_than_is_read(file, image)
        size = image.size
        # Pillow turns a TIFF's size itself; of a PNG it would read all pixels to learn that it is not turned.
        if image.format != "TIFF" and (image.format != "PNG" or _png_may_be_turned(file)):
            size = size[::-1] if image.getexif().get(ORIENTATION) in TURNED else size
        if whole:
            _refuse_a_second_one(file, image)
            image.load()
        return Facts(size, image.mode in GREY_MODES, _has_alpha(image))


def pixels(file: Path, grey: bool) -> npt.NDArray[np.uint8]:
    """Its pixels as they are seen: turned as EXIF says, on white where transparent; [h, w] grey, else [h, w, 3].

    Raises:
        UnreadableImage: see `facts`.
    """
    from PIL import Image, ImageOps

    with _opened(file) as image:
        _refuse_a_second_one(file, image)
        _scale_transparent_value(image)
        seen = ImageOps.exif_transpose(image)
        if _has_alpha(seen):
            seen = Image.alpha_composite(Image.new("RGBA", seen.size, BACKGROUND), seen.convert("RGBA"))
        return np.asarray(seen.convert("L" if grey else "RGB"))


def _has_alpha(image: Any) -> bool:
    return image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info


def _scale_transparent_value(image: Any) -> None:
    """Bring the value that a PNG calls transparent to 8 bits, as Pillow brings pixels of fewer, but not this one."""
    value = image.info.get("transparency")
    if image.format == "PNG" and image.mode in ("L", "RGB") and value is not None:
        most = {"L;2": 3, "L;4": 15}.get(str(image.tile[0].args), 255)
        scaled = tuple((one & most) * 255 // most for one in np.atleast_1d(value).tolist())  # only these bits count
        image.info["transparency"] = scaled if image.mode == "RGB" else scaled[0]


def _refuse_more_than_is_read(file: Path, image: Any) -> None:
    """Refuse what Pillow would shorten without a word: to its first picture, to the upper 8 bits."""
    if getattr(image, "is_animated", False):
        raise UnreadableImage(file, "several pictures in one file (frames or pages), where one is read")
    if (bits := _bits(image)) > 8:
        raise UnreadableImage(file, f"{bits} bits per channel, only 8 are read")
    if image.mode not in EIGHT_BIT_MODES:
        raise UnreadableImage(file, f"pixels of kind {image.mode}, which are not read")
    if image.format == "TIFF":
        channels, read = int(image.tag_v2.get(SAMPLES_PER_PIXEL, 1)), len(image.getbands())
        if channels > read:
            raise UnreadableImage(file, f"{channels} channels, of which {read} would be read")
        if set(np.atleast_1d(image.tag_v2.get(SAMPLE_FORMAT, UNSIGNED)).tolist()) != {UNSIGNED}:
            raise UnreadableImage(file, "signed numbers or fractions, which are not read")


def _refuse_a_second_one(file: Path, image: Any) -> None:
    """Refuse files in which another image follows the one that is read, in the formats that allow it."""
    follows = {"PPM": _behind_ppm, "JPEG": _behind_jpeg}.get(image.format)
    if follows and follows(file, image).lstrip()[:2] in (*(b"P%d" % kind for kind in range(1, 8)), b"\xff\xd8"):
        raise UnreadableImage(file, "several pictures in one file, one after the other, where one is read")


def _behind_ppm(file: Path, image: Any) -> bytes:
    """What follows the pixels of a PPM that are not written as text."""
    if not image.tile or image.tile[0].codec_name not in ("raw", "ppm"):
        return b""
    width, height = image.size
    row = (width + 7) // 8 if image.mode == "1" else width * len(image.getbands())
    return file.read_bytes()[image.tile[0].offset + row * height :]


def _behind_jpeg(file: Path, _: Any) -> bytes:
    """What follows the first end of an image: segment by segment, since one may hold a thumbnail with an end."""
    data = file.read_bytes()
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 3 < len(data):
        marker = data[at + 1]
        if marker == 0xD9:
            return data[at + 2 :]
        alone = marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8  # pixels, fillers, marks without contents
        at += (1 if marker == 0xFF else 2) if alone else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return b""


def _png_may_be_turned(file: Path) -> bool:
    """Whether a PNG has EXIF or XMP, before its pixels or behind them."""
    with file.open("rb") as opened:
        opened.seek(8)
        while len(head := opened.read(8)) == 8:
            if head[4:] in (b"eXIf", b"iTXt", b"tEXt", b"zTXt"):
                return True
            opened.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)
    return False


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
        with (
            file.open("rb") as opened,
            _without_remarks(is_tiff=opened.read(4) in TIFF),
            Image.open(opened, formats=FORMATS) as image,
        ):
            yield image
    except UserError:
        raise
    except UnidentifiedImageError:
        raise UnreadableImage(
            file, f"not an image that is read: damaged, of too many channels, or not one of {', '.join(FORMATS)}"
        ) from None
    except MemoryError:
        raise
    except Exception as error:  # foreign bytes: Pillow's parsers raise whatever they stumble over
        what = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UnreadableImage(file, f"cannot be read ({what})") from None


@contextmanager
def _without_remarks(*, is_tiff: bool) -> Iterator[None]:
    """Silence what names no file: Pillow's warnings and log, and what libtiff writes to the terminal itself.

    They are of EXIF that cannot be read (no viewer turns such an image), of palettes, which are handled, and of damage,
    which is an error too.
    """
    log = logging.getLogger("PIL")
    level = log.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        log.setLevel(logging.CRITICAL + 1)
        try:
            with _no_errors_printed() if is_tiff else nullcontext():
                yield
        finally:
            log.setLevel(level)


@contextmanager
def _no_errors_printed() -> Iterator[None]:
    """Nothing that C code writes to the standard error stream is shown."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
