"""What one image file can hold beyond one upright picture of 8 bits: seen, or refused with the reason."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from normplace.data.datasets import load
from normplace.data.image_file import Facts, UnreadableImage, facts, pixels
from tests.unit.data.folders import SCENE, folder_of, plain, read_all, refusal

OBLONG = np.ascontiguousarray(SCENE[:5])
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/"><tiff:Orientation>6</tiff:Orientation></rdf:Description>
</rdf:RDF></x:xmpmeta>"""


def encoded(scene: np.ndarray, suffix: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(scene).save(buffer, suffix, **options)
    return buffer.getvalue()


def chunk(kind: bytes, payload: bytes) -> bytes:
    """Of a PNG."""
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def late_exif() -> bytes:
    exif = Image.Exif()
    exif[0x112] = 6
    return chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))


def xmp() -> bytes:
    return chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)


@pytest.mark.parametrize("said", [late_exif, xmp])
@pytest.mark.parametrize("behind", [True, False])
def test_a_turn_is_seen_wherever_a_png_names_it(said: Callable[[], bytes], behind: bool, tmp_path: Path) -> None:
    """Before its pixels or behind them, among images that are stored upright."""

    def stored(path: Path, number: int) -> None:
        if number % 2:
            whole = encoded(np.ascontiguousarray(np.rot90(OBLONG)), "png")
            at = len(whole) - 12 if behind else 33  # before the last chunk, or behind the first
            path.with_suffix(".png").write_bytes(whole[:at] + said() + whole[at:])
        else:
            path.with_suffix(".png").write_bytes(encoded(OBLONG, "png"))

    assert (read_all(folder_of(tmp_path, stored)) == OBLONG.transpose(2, 0, 1)).all()


@pytest.mark.parametrize(("bits", "step"), [(1, 255), (2, 85), (4, 17), (8, 1)])
def test_a_grey_that_means_transparent_is_laid_on_white(bits: int, step: int, tmp_path: Path) -> None:
    """In PNGs of every depth; bits of it beyond that depth mean nothing."""
    width = 8 // bits
    values = np.arange(width) % 2**bits
    row = int("".join(f"{value:0{bits}b}" for value in values), 2).to_bytes(1)
    for transparent in {*values.tolist()}:
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, bits, 0, 0, 0, 0))
        named = chunk(b"tRNS", struct.pack(">H", transparent + (0 if bits == 1 else 2**8)))
        path = tmp_path / f"{transparent}.png"
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + named + chunk(b"IDAT", zlib.compress(b"\0" + row)))
        expected = np.where(values == transparent, 255, values * step)
        assert facts(path).alpha
        assert pixels(path, grey=True).tolist() == [expected.tolist()]


def png_of_16_bits(path: Path, colour: int, channels: int) -> None:
    """Pillow writes no such file: colour 2 is RGB, 4 grey with alpha, 6 RGB with alpha."""
    rows = b"".join(b"\0" + bytes(range(8 * channels * 2)) for _ in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 16, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks))


def ppm_of_16_bits(path: Path, number: int) -> None:
    path.with_suffix(".ppm").write_bytes(b"P6 8 8 4095\n" + bytes(8 * 8 * 3 * 2))


def tiff_of_16_bits(path: Path, number: int) -> None:
    """RGB of three samples of 16 bits, which Pillow reads as 8."""
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in {256: 8, 257: 8, 258: (16, 16, 16), 259: 1, 262: 2, 277: 3, 278: 8, 279: 384, 284: 1}.items():
        info[tag] = value
    info[273] = 1000
    with path.with_suffix(".tif").open("wb") as file:
        file.write(b"II*\0\x08\0\0\0" + info.tobytes(8))
        file.write(bytes(1000 - file.tell()) + bytes(384))


DEEP: dict[str, tuple[Callable[[Path, int], object], str]] = {
    "grey png": (
        lambda path, n: Image.fromarray(SCENE[..., 0].astype(np.uint16)).save(path.with_suffix(".png")), "16 bits",
    ),
    "rgb png": (lambda path, n: png_of_16_bits(path, 2, 3), "16 bits"),
    "grey png with alpha": (lambda path, n: png_of_16_bits(path, 4, 2), "16 bits"),
    "rgb png with alpha": (lambda path, n: png_of_16_bits(path, 6, 4), "16 bits"),
    "rgb ppm": (ppm_of_16_bits, "12 bits"),
    "rgb tiff": (tiff_of_16_bits, "16 bits"),
    "tiff of floats": (
        lambda path, n: Image.fromarray(SCENE[..., 0].astype(np.float32)).save(path.with_suffix(".tif")), "32 bits",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DEEP)
def test_more_than_8_bits_are_refused_and_not_cut(kind: str, tmp_path: Path) -> None:
    save, words = DEEP[kind]
    message = refusal(folder_of(tmp_path, save))
    assert "4 of 4 files are not read" in message
    assert f"{words} per channel, only 8 are read" in message


@pytest.mark.parametrize("suffix", ["gif", "webp", "tif", "png", "mpo"])
def test_a_file_of_several_pictures_is_refused_and_named(suffix: str, tmp_path: Path) -> None:
    folder_of(tmp_path, plain)
    frames = [Image.fromarray(SCENE + np.uint8(50 * number)) for number in range(3)]
    file = tmp_path / "train" / "b" / f"moving.{suffix}"
    frames[0].save(file, save_all=True, append_images=frames[1:])
    message = refusal(tmp_path)
    assert f"1 of 5 files are not read: 1 such as b/moving.{suffix}" in message
    assert "several pictures in one file" in message
    assert load(f"folder:{tmp_path}", skip_unreadable=True).x.shape[0] == 4


def test_one_picture_in_a_format_that_can_hold_more_is_read(tmp_path: Path) -> None:
    folder_of(tmp_path, lambda path, n: Image.fromarray(SCENE + np.uint8(n)).save(path.with_suffix(".gif")))
    assert read_all(tmp_path).shape == (4, 3, 8, 8)


SEVERAL = {
    "ppm": encoded(SCENE, "ppm") * 2,
    "pgm": encoded(SCENE[..., 0], "ppm") + b"\n" + encoded(SCENE[..., 0], "ppm"),
    "jpg": encoded(SCENE, "jpeg") * 2,
    "progressive jpg": encoded(SCENE, "jpeg", progressive=True) + encoded(SCENE, "jpeg"),
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_pictures_one_after_the_other_are_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"image.{kind.split()[-1]}"
    path.write_bytes(SEVERAL[kind])
    with pytest.raises(UnreadableImage, match="several pictures in one file, one after the other"):
        pixels(path, grey=False)
    with pytest.raises(UnreadableImage, match="several pictures in one file, one after the other"):
        facts(path, whole=True)


def with_thumbnail() -> bytes:
    """A JPEG inside the header of a JPEG, as cameras write it."""
    exif = Image.Exif()
    exif[0x010E] = "described"
    small = encoded(SCENE[:4, :4], "jpeg")
    return encoded(SCENE, "jpeg", exif=exif.tobytes() + small)


@pytest.mark.parametrize(
    "contents", [with_thumbnail(), encoded(SCENE, "jpeg") + b"\0" * 100, encoded(SCENE, "ppm") + b"\n"]
)
def test_one_picture_with_more_around_it_is_read(contents: bytes, tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(contents)
    assert facts(path, whole=True) == Facts((8, 8), grey=False, alpha=False)
    assert pixels(path, grey=False).shape == (8, 8, 3)


def tiff(pixels: np.ndarray, photometric: int, **tags: int) -> bytes:
    """A TIFF [h, w, channels] of 8 bits, written by hand: Pillow writes none that it does not read."""
    height, width, channels = pixels.shape
    given = {"extra": 338, "format": 339}
    entries = {256: width, 257: height, 262: photometric, 273: 0, 277: channels, 278: height, 279: pixels.size}
    entries |= {given[name]: value for name, value in tags.items()}
    at = 8 + 2 + 12 * (len(entries) + 1) + 4
    entries |= {258: at if channels > 2 else 8 | 8 << 16, 273: at + 2 * channels}  # bits and pixels: behind the tags
    packed = b"".join(
        struct.pack("<HHII", tag, *((3, channels) if tag == 258 else (4, 1)), value)
        for tag, value in sorted(entries.items())
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + struct.pack("<I", 0)
    return head + struct.pack(f"<{channels}H", *[8] * channels) + pixels.tobytes()


RGB, GREY = 2, 1  # photometric interpretations
TIFFS = {
    "an unknown fourth": (tiff(np.dstack([SCENE, SCENE[..., :1]]), RGB, extra=0), "4 channels, of which 3"),
    "an unknown second": (tiff(SCENE[..., :2], GREY, extra=0), "2 channels, of which 1"),
    "signed": (tiff(SCENE[..., :1], GREY, format=2), "which are not read"),
}


@pytest.mark.parametrize("kind", TIFFS)
def test_what_a_tiff_holds_beyond_what_is_read_is_refused(kind: str, tmp_path: Path) -> None:
    contents, reason = TIFFS[kind]
    assert reason in refusal(folder_of(tmp_path, lambda path, number: path.with_suffix(".tif").write_bytes(contents)))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_plain_tiff_is_read(channels: int, tmp_path: Path) -> None:
    contents = tiff(SCENE[..., :channels], RGB if channels == 3 else GREY)
    root = folder_of(tmp_path, lambda path, number: path.with_suffix(".tif").write_bytes(contents))
    assert (read_all(root) == SCENE[..., :channels].transpose(2, 0, 1)).all()


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate"])
def test_damage_is_said_once_and_with_the_files_name(
    compression: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """libtiff writes to the terminal by itself, and names no file."""
    noise = np.random.default_rng(0).integers(0, 256, size=(32, 32, 3), dtype=np.uint8)
    whole = encoded(noise, "TIFF", compression=compression)
    refused = 0
    for at in range(8, len(whole) - 200, 97):
        damaged = tmp_path / f"{at}.tif"
        damaged.write_bytes(whole[:at] + bytes(255 - byte for byte in whole[at : at + 3]) + whole[at + 3 :])
        try:
            facts(damaged, whole=True)
        except UnreadableImage as error:
            refused += damaged.name in str(error)
    assert refused
    assert capfd.readouterr() == ("", "")


def test_what_pillow_logs_is_not_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of a TIFF of more channels than it decodes it logs a line without a name."""
    file = tmp_path / "eight.tif"
    data = bytearray(encoded(OBLONG, "TIFF"))
    at = data.index(struct.pack("<HHI", 277, 3, 1))
    data[at + 8 : at + 10] = struct.pack("<H", 8)
    file.write_bytes(data)
    with pytest.raises(UnreadableImage, match=r"eight\.tif"):
        facts(file)
    assert not caplog.records
