"""docs/architecture.md shows the rooms of the code and their imports as they are."""

from pathlib import Path

import pytest

from docs import draw_imports, draw_rules
from tests.unit import test_rooms


def test_every_room_has_its_place_and_its_sentence() -> None:
    assert draw_imports.rooms() == set(draw_imports.LEVEL)
    of_the_library = [set(row) - set(draw_imports.PACKAGES) for row in draw_imports.LEVELS]
    assert [row for row in of_the_library if row] == list(test_rooms.LEVELS)
    text = Path(draw_imports.__file__).with_name("architecture.md").read_text(encoding="utf-8")
    for room in draw_imports.LEVEL:
        assert f"{room}.py` |" in text or f"{room}/` |" in text, room


@pytest.mark.slow
def test_the_picture_is_of_the_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = draw_imports.PICTURE.read_bytes()
    monkeypatch.setattr(draw_imports, "PICTURE", tmp_path / "imports.svg")
    draw_imports.main()
    assert (tmp_path / "imports.svg").read_bytes() == shown, "draw it again: python -m docs.draw_imports"


@pytest.mark.slow
def test_the_picture_of_the_rules_is_of_the_workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = draw_rules.PICTURE.read_bytes()
    monkeypatch.setattr(draw_rules, "PICTURE", tmp_path / "rules.svg")
    draw_rules.main()
    assert (tmp_path / "rules.svg").read_bytes() == shown, "draw it again: python -m docs.draw_rules"
    rows = [set(row) for row in draw_rules.ROWS]
    assert set.union(*rows) == {rule for arrow in draw_rules.rules() for rule in arrow}
