"""Folders of images as they are met in the wild: read as people see them, in full, or refused with the reason."""

import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from normplace.data.datasets import DataRequest, load, prepare
from normplace.data.image_folder import digest
from normplace.data.image_folder import image_folder as read_folder
from normplace.errors import UserError
from tests.unit.data.folders import SCENE, folder_of, plain, read_all, refusal


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_their_exif_says(suffix: str, orientation: int, tmp_path: Path) -> None:
    """Stored by undoing the orientation, which another library's table gives, and read as they were."""
    flips = {1: (), 2: ("h",), 3: ("h", "v"), 4: ("v",), 5: ("t",), 6: ("r",), 7: ("h", "v", "t"), 8: ("l",)}
    scene = SCENE[:5]

    def stored(path: Path, number: int) -> None:
        pixels = scene
        for step in flips[orientation]:  # of the scene that is seen, the steps that undo the turn
            pixels = {
                "h": pixels[:, ::-1], "v": pixels[::-1], "t": pixels.transpose(1, 0, 2),
                "r": np.rot90(pixels, 1), "l": np.rot90(pixels, -1),
            }[step]  # fmt: skip
        exif = Image.Exif()
        exif[0x112] = orientation
        lossless = {"lossless": True} if suffix == "webp" else {}
        Image.fromarray(np.ascontiguousarray(pixels)).save(path.with_suffix(f".{suffix}"), exif=exif, **lossless)

    assert (read_all(folder_of(tmp_path, stored)) == scene.transpose(2, 0, 1)).all()


def test_portraits_of_a_phone_have_one_size_however_they_are_stored(tmp_path: Path) -> None:
    def photo(path: Path, number: int) -> None:
        exif = Image.Exif()
        exif[0x112] = 6 if number % 2 else 1
        pixels = np.rot90(SCENE[:, :5]) if number % 2 else SCENE[:, :5]
        Image.fromarray(np.ascontiguousarray(pixels)).save(path.with_suffix(".jpg"), exif=exif, quality=95)

    seen = read_all(folder_of(tmp_path, photo)).astype(int)
    assert seen.shape == (4, 3, 8, 5)
    assert abs(seen - seen[0]).mean() < 20, "all are the same scene, but for JPEG's losses"
    Image.fromarray(SCENE[:, :4]).save(tmp_path / "train" / "a" / "narrow.png")
    assert "4x8 in a/narrow.png" in refusal(tmp_path)
    assert "5x8 in " in refusal(tmp_path)


def test_transparent_images_are_laid_on_white(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Grey and colour, by a channel, a palette or a colour that means transparent; said once."""
    alpha = SCENE[..., 0]
    on_white = {
        "rgba": lambda path: Image.fromarray(np.dstack([SCENE, alpha])).save(path),
        "palette": lambda path: Image.fromarray(SCENE).quantize(16).save(path, transparency=bytes(range(0, 256, 16))),
        "colour": lambda path: Image.fromarray(SCENE).save(path, transparency=tuple(map(int, SCENE[0, 0]))),
    }
    for name, save in on_white.items():
        root = folder_of(tmp_path / name, lambda path, n, save=save: save(path.with_suffix(".png")))  # type: ignore[misc]
        with Image.open(root / "train" / "a" / "0.png") as image:
            rgba = np.asarray(image.convert("RGBA")).astype(float)
        expected = (rgba[..., :3] * rgba[..., 3:] + 255 * (255 - rgba[..., 3:])) / 255
        assert abs(read_all(root)[0] - expected.transpose(2, 0, 1)).max() <= 1
        caplog.clear()
        plain(root / "train" / "a" / "plain", 3)
        load(f"folder:{root}")
        said = [record.message for record in caplog.records]
        assert said == ["note: train/: 4 of 5 images can be transparent and are laid on white"]


def test_shapes_in_alpha_alone_are_seen(tmp_path: Path) -> None:
    """Black icons show on white; white ones do not, and the reason is given."""

    def icon(ink: int) -> Callable[[Path, int], None]:
        def save(path: Path, number: int) -> None:
            grey = np.full((8, 8), ink, dtype=np.uint8)
            Image.fromarray(np.dstack([grey, SCENE[..., number % 3]])).save(path.with_suffix(".png"))

        return save

    black = folder_of(tmp_path / "black", icon(0))
    assert (read_all(black)[:, 0] == np.stack([255 - SCENE[..., n] for n in self_order(black)])).all()
    message = refusal(folder_of(tmp_path / "white", icon(255)))
    assert "all 4 points are the same" in message
    assert "laid on white" in message
    assert "--standardise" not in message


def self_order(root: Path) -> list[int]:
    """Which channel of the scene is in each icon, by its pixels."""
    return [next(n for n in range(3) if (255 - SCENE[..., n] == image[0]).all()) for image in read_all(root)]


NOT_READ: dict[str, tuple[Callable[[Path], object], str]] = {
    "another format": (lambda root: (root / "train/a/photo.heic").write_bytes(b"\0\0\0\x18ftypheic"), "a/photo.heic"),
    "a text": (lambda root: (root / "train/a/labels.csv").write_text("0,1"), "a/labels.csv"),
    "an empty file": (lambda root: (root / "train/b/9.png").write_bytes(b""), "b/9.png"),
    "a link to nothing": (lambda root: (root / "train/a/gone.png").symlink_to("nowhere.png"), "a link to nothing"),
    "a link to itself": (lambda root: (root / "train/a/loop.png").symlink_to("loop.png"), "a link to nothing"),
    "a pipe": (lambda root: os.mkfifo(root / "train/a/pipe.png"), "no regular file"),
    "a folder inside": (
        lambda root: shutil.copytree(root / "test/a", root / "train/a/more"), "in a folder inside a class",
    ),
    "beside the classes": (lambda root: plain(root / "train/stray", 0), "outside the folders of the classes"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NOT_READ)
def test_nothing_in_a_folder_is_left_out_without_a_word(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add, words = NOT_READ[kind]
    add(folder_of(tmp_path, plain))
    message = refusal(tmp_path)
    count = 2 if kind == "a folder inside" else 1
    assert message.startswith(f"--dataset folder:{tmp_path}: folder {tmp_path}/train: {count} of {4 + count} files")
    assert words in message
    assert "--skip-unreadable leaves them out" in message
    data = load(f"folder:{tmp_path}", skip_unreadable=True, test_points=4)
    assert len(data.x) == 4
    assert data.provenance["notes"] == [record.message.removeprefix("note: ") for record in caplog.records]
    assert f"{count} of {4 + count} files are not read" in caplog.text


def test_reasons_are_counted_and_damage_anywhere_is_found_with_skip_unreadable(tmp_path: Path) -> None:
    folder_of(tmp_path, plain)
    for number in range(3):
        (tmp_path / "train" / "a" / f"h{number}.heic").write_bytes(b"\0\0\0\x18ftypheic")
    path = tmp_path / "train" / "b" / "1.png"
    path.write_bytes(path.read_bytes()[:-40])
    data = load(f"folder:{tmp_path}", skip_unreadable=True)
    assert len(data.x) == 3
    (note,) = data.provenance["notes"]
    assert "4 of 7 files are not read: 3 such as a/h0.heic (not an image that is read: damaged," in note
    assert "1 such as b/1.png (cannot be read (" in note
    for file in (tmp_path / "train" / "a").glob("*.heic"):
        file.unlink()
    message = refusal(tmp_path)
    assert f"image {path}: cannot be read" in message
    assert "--skip-unreadable leaves it out" in message
    for file in (tmp_path / "train" / "b").iterdir():
        file.write_bytes(b"")
    assert "no images found in the <class>/ folders of b; 2 of 4 files" in refusal(tmp_path, skip_unreadable=True)


def test_what_systems_leave_in_folders_is_no_part_of_the_data(tmp_path: Path) -> None:
    before = digest(folder_of(tmp_path, plain))
    for folder in ("", "train", "train/a"):
        for name in (".DS_Store", "._0.png", "Thumbs.db", "desktop.ini"):
            (tmp_path / folder / name).write_bytes(b"x")
        for name in (".ipynb_checkpoints", "__MACOSX", "@eaDir", "lost+found"):
            (tmp_path / folder / name / "a").mkdir(parents=True)
            (tmp_path / folder / name / "a" / "._0.png").write_bytes(b"x")
    (tmp_path / "train" / "a" / "empty.png").mkdir()
    data = load(f"folder:{tmp_path}")
    assert len(data.x) == 4
    assert "notes" not in data.provenance
    assert digest(tmp_path) == before


def test_the_digest_is_of_what_is_read(tmp_path: Path) -> None:
    """Not of times, as a copy changes them, nor of other files; but of every byte, name and class of an image."""
    before = digest(folder_of(tmp_path / "one", plain))
    shutil.copytree(tmp_path / "one", tmp_path / "two", copy_function=shutil.copyfile)
    path = tmp_path / "two" / "test" / "a" / "0.png"
    os.utime(path, (1, 1))
    assert digest(tmp_path / "two") == before
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"\1")
    assert digest(tmp_path / "two") != before
    path.write_bytes(whole)
    assert digest(tmp_path / "two") == before
    path.rename(tmp_path / "two" / "test" / "b" / "x.png")
    assert digest(tmp_path / "two") != before


def test_the_digest_is_of_what_is_refused_too(tmp_path: Path) -> None:
    """Else a cached output would hide that a folder is not read in full."""
    before = digest(folder_of(tmp_path, plain))
    inside = tmp_path / "train" / "a" / "more"
    inside.mkdir()
    assert digest(tmp_path) == before
    shutil.copy(tmp_path / "train" / "a" / "0.png", inside)
    assert digest(tmp_path) != before


def test_two_copies_of_a_folder_have_one_provenance(tmp_path: Path) -> None:
    def transparent(path: Path, number: int) -> None:
        Image.fromarray(np.dstack([SCENE, SCENE[..., :1] + np.uint8(number)])).save(path.with_suffix(".png"))

    found = [load(f"folder:{folder_of(tmp_path / name / 'data', transparent)}").provenance for name in ("one", "two")]
    assert found[0] == found[1]
    assert "can be transparent" in found[0]["notes"][0]


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a class it is an error; one inside a class is left out with the rest of what is not read."""
    folder_of(tmp_path, plain)
    (tmp_path / "train" / "a" / "private").mkdir()
    scandir = os.scandir

    def refused(path: str | Path) -> Any:
        if Path(path).name in closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    closed = ["private"]
    assert "1 such as a/private (in a folder inside a class)" in refusal(tmp_path)
    assert len(load(f"folder:{tmp_path}", skip_unreadable=True).y) == 4
    closed = ["b"]
    assert f"folder {tmp_path}/train/b: cannot be read (Permission denied)" in refusal(tmp_path, skip_unreadable=True)


def test_folders_of_any_common_format_grey_or_colour(tmp_path: Path) -> None:
    for number, suffix in enumerate(("png", "bmp", "tiff", "gif")):
        (tmp_path / "train" / f"class{number % 2}").mkdir(parents=True, exist_ok=True)
        pixels = np.arange(12, dtype=np.uint8).reshape(3, 4) * (number + 1)
        Image.fromarray(pixels).save(tmp_path / "train" / f"class{number % 2}" / f"{number}.{suffix}")
    assert read_all(tmp_path).shape == (4, 3, 3, 4)  # gif has a palette
    for file in tmp_path.rglob("*.gif"):
        file.unlink()
    assert read_all(tmp_path).shape == (3, 1, 3, 4)


def test_what_a_file_is_counts_and_not_what_it_is_called(tmp_path: Path) -> None:
    folder_of(tmp_path, plain)
    for number, name in enumerate(("no_suffix", "photo.JFIF", "really_a_jpeg.png")):
        Image.fromarray(SCENE).save(tmp_path / "train" / "a" / name, "JPEG" if number else "PNG")
    assert len(load(f"folder:{tmp_path}").x) == 7


def test_bad_folders_are_refused(image_folder: Path, tmp_path: Path) -> None:
    assert "is not there" in refusal(tmp_path / "nowhere")
    (image_folder / "test").rename(image_folder / "val")
    assert "needs a folder test/ with one folder of images per class, but has train, val" in refusal_of_test(
        image_folder
    )
    (tmp_path / "empty" / "train" / "a").mkdir(parents=True)
    assert "no images found" in refusal(tmp_path / "empty")
    (image_folder / "train" / "wasp").mkdir()
    assert "no images found in the <class>/ folders of wasp" in refusal(image_folder)
    (image_folder / "train" / "wasp").rmdir()
    Image.fromarray(np.zeros((9, 9, 3), dtype=np.uint8)).save(image_folder / "train" / "ant" / "big.png")
    message = refusal(image_folder)
    assert "images of several sizes" in message
    assert "9x9 in ant/big.png" in message
    assert "6x5 in " in message
    (image_folder / "train" / "ant" / "big.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    assert "ant/big.png (not an image that is read: damaged," in refusal(image_folder)


def test_the_order_of_a_folder_is_fixed_shuffled_and_not_moved_by_new_files(image_folder: Path) -> None:
    before = read_folder(image_folder, "train")
    assert before.labels.tolist() != sorted(before.labels.tolist())
    pixels = [image.tobytes() for image in before.read(np.arange(16))]
    Image.fromarray(np.zeros((5, 6, 3), dtype=np.uint8)).save(image_folder / "train" / "bee" / "new.png")
    after = read_folder(image_folder, "train")
    kept = [image.tobytes() for image in after.read(np.arange(17)) if image.any()]
    assert kept == pixels


def test_names_of_classes_are_the_same_however_their_accents_are_written(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    folder_of(tmp_path / "nfc", plain, (composed, "thé"))
    folder_of(tmp_path / "nfd", plain, (decomposed, "thé"))
    shutil.rmtree(tmp_path / "nfc" / "test")
    shutil.copytree(tmp_path / "nfd" / "test", tmp_path / "nfc" / "test")
    mixed = load(f"folder:{tmp_path / 'nfc'}", test_points=4)
    assert mixed.classes == [composed, "thé"]
    assert (mixed.x == load(f"folder:{tmp_path / 'nfd'}").x).all(), "in the same order, too"


@pytest.mark.parametrize(
    "names",
    [("caf\u00e9", "cafe\u0301"), ("a b", "a  b"), ("cat", "cat "), ("\ufb01sh", "fish")],
    ids=["accents", "spaces", "space at the end", "ligature"],
)
def test_two_classes_that_look_alike_are_refused_by_name(names: tuple[str, str], tmp_path: Path) -> None:
    message = refusal(folder_of(tmp_path, plain, names))
    assert "two classes look alike" in message
    for name in names:
        assert ascii(name) in message


@pytest.mark.parametrize("given", ["caf\u00e9", "cafe\u0301", "caf\udcc3\udca9"])
def test_classes_are_chosen_by_name_however_it_is_written(given: str, tmp_path: Path) -> None:
    """The last is what Python gets where the system takes itself for one that knows ASCII."""
    folder_of(tmp_path, plain, classes=("cafe\u0301", "tea"))
    for classes in (f'{{"x": ["{given}"], "y": ["tea"]}}', {"x": [given], "y": ["tea"]}):
        assert load(f"folder:{tmp_path}", classes).provenance["classes"] == {"x": ["caf\u00e9"], "y": ["tea"]}


def test_a_control_character_in_a_class_is_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, plain, classes=("a\nb", "c"))
    assert "the name of the class 'a\\nb' has a control character" in refusal(tmp_path)


def test_skipping_is_for_folders(tmp_path: Path) -> None:
    list(prepare({tmp_path / "p.npz": DataRequest("digits", points=40)}))
    for dataset in ("digits", f"file:{tmp_path / 'p.npz'}"):
        with pytest.raises(UserError, match=f"--skip-unreadable: is for folders of images, not for {dataset}"):
            load(dataset, skip_unreadable=True)


def test_upper_and_lower_case_are_two_classes(tmp_path: Path) -> None:
    for name in ("Cat", "cat"):
        (tmp_path / "train" / name).mkdir(parents=True)
        plain(tmp_path / "train" / name / "0", len(list((tmp_path / "train").iterdir())))
    if len(list((tmp_path / "train").iterdir())) < 2:
        pytest.skip("this file system does not tell upper case from lower case")
    assert load(f"folder:{tmp_path}").classes == ["Cat", "cat"]


def test_splits_that_do_not_fit_are_named(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "classes", plain)
    (root / "test" / "b").rename(root / "test" / "c")
    assert "b in train alone and c in test alone" in refusal_of_test(root)
    root = folder_of(tmp_path / "sizes", plain)
    for file in (root / "test").rglob("*.png"):
        Image.fromarray(SCENE[:5] + np.uint8(len(file.parent.name))).save(file)
    Image.fromarray(SCENE[1:6]).save(file)
    assert "train has colour images of 8x8, test has colour images of 8x5" in refusal_of_test(root)
    for file in (root / "test").rglob("*.png"):
        Image.fromarray(SCENE[..., int(file.stem)]).save(file)
    assert "train has colour images of 8x8, test has grey images of 8x8" in refusal_of_test(root)


def refusal_of_test(root: Path) -> str:
    with pytest.raises(UserError) as caught:
        load(f"folder:{root}", test_points=None)
    return str(caught.value)


def test_one_class_few_points_and_a_constant_channel_are_said_as_they_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = refusal(folder_of(tmp_path / "one", plain, ("only",)))
    assert one.endswith("has one class, 'only'; two or more are needed")
    many = folder_of(tmp_path / "many", plain, tuple("abcdefg"))
    load(f"folder:{many}", points=3)
    (said,) = [record.message for record in caplog.records]
    assert "of 7 classes have none of the 3 points asked for (" in said

    def no_blue(path: Path, number: int) -> None:
        Image.fromarray((SCENE + np.uint8(number)) * np.array([1, 1, 0], dtype=np.uint8)).save(path.with_suffix(".png"))

    message = refusal(folder_of(tmp_path / "red", no_blue))
    assert message.startswith(f"--dataset folder:{tmp_path / 'red'}: channel 3 of 3 is 0 in all 4 points")
    assert "--standardise" not in message
