"""What a command really loads, imports inside its functions included: `python loaded.py STAGE...`.

The answer is JSON: stage -> {"files": of normplace, "others": the packages that these files import}. It comes from the
interpreter and not from the sources, so that it can prove the workflow's own search wrong.
"""

import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from modulefinder import ModuleFinder
from types import CodeType

OURS = "normplace"


def loaded(stage: str) -> dict[str, list[str]]:
    """Of the command in normplace/cli/<stage>.py."""
    for name in ours():
        del sys.modules[name]
    importlib.import_module(f"{OURS}.cli.{stage}")
    seen: set[str] = set()
    others: set[str] = set()
    while new := ours() - seen:
        seen |= new
        for name in sorted(new):
            for imported, names, level in imports_in_functions(name):
                if level or imported.split(".")[0] == OURS:
                    __import__(imported, {"__package__": sys.modules[name].__package__}, None, names, level)
    for name in seen:
        others |= {imported.split(".")[0] for imported, _, level in imports(code_of(name)) if not level}
    return {
        "files": sorted(str(sys.modules[name].__file__) for name in seen),
        "others": sorted(others - {OURS} - set(sys.stdlib_module_names)),
    }


def ours() -> set[str]:
    return {name for name in sys.modules if name.split(".")[0] == OURS}


def code_of(module: str) -> CodeType:
    loader = importlib.util.find_spec(module).loader  # type: ignore[union-attr]
    return loader.get_code(module)  # type: ignore[union-attr,no-any-return]


def imports_in_functions(module: str) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Those at the top have run already."""
    for inner in code_of(module).co_consts:
        if isinstance(inner, CodeType):
            yield from imports(inner)


def imports(code: CodeType) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Module, names and level of every import in a piece of code and in what is defined in it."""
    for what, found in ModuleFinder().scan_opcodes(code):
        if what in ("absolute_import", "relative_import"):
            level, names, module = found if what == "relative_import" else (0, *found)
            yield module, tuple(names or ()), level
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from imports(inner)


if __name__ == "__main__":
    print(json.dumps({stage: loaded(stage) for stage in sys.argv[1:]}))
