"""Names of classes and files as people read them, in whatever bytes a system keeps them."""

import os
import unicodedata


def as_text(name: str) -> str:
    """A name as it is meant, in one form of Unicode, also where the system takes itself for one that knows ASCII."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))


def looks(name: str) -> str:
    """The same for names that cannot be told apart by eye: other forms of a letter, what is not seen, spaces."""
    seen = unicodedata.normalize("NFKC", as_text(name))
    return " ".join("".join(letter for letter in seen if unicodedata.category(letter) != "Cf").split())
