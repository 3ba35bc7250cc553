"""The rooms of the code and their imports, as docs/architecture.md shows them."""

from pathlib import Path

import pytest

from docs import draw_imports


def test_no_room_imports_one_above_it() -> None:
    assert not draw_imports.upward()


def test_every_room_has_its_place_and_its_sentence() -> None:
    assert draw_imports.rooms() == set(draw_imports.LEVEL)
    text = Path(draw_imports.__file__).with_name("architecture.md").read_text(encoding="utf-8")
    for room in draw_imports.LEVEL:
        assert f"{room}.py` |" in text or f"{room}/` |" in text, room


def test_the_picture_is_of_the_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = draw_imports.PICTURE.read_bytes()
    monkeypatch.setattr(draw_imports, "PICTURE", tmp_path / "imports.svg")
    draw_imports.main()
    assert (tmp_path / "imports.svg").read_bytes() == shown, "draw it again: python -m docs.draw_imports"


def test_an_import_upward_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"theories/isotropic.py": "from normplace.cli import parser\n", "cli/parser.py": ""}.items():
        (tmp_path / "src" / "normplace" / name).parent.mkdir(parents=True)
        (tmp_path / "src" / "normplace" / name).write_text(text)
    monkeypatch.setattr(draw_imports, "ROOT", tmp_path)
    assert draw_imports.upward() == {("theories", "cli")}
