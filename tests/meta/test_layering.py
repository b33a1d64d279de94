"""The architecture, held by reading every module's imports.

cli → server → (repository, store) → protocol → zone: a layer imports itself and those below it,
and the two in brackets do not know each other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

AGENT = Path(__file__).resolve().parents[2] / "agent"
PACKAGE = AGENT / "zonecast"

# Modules beside the layers: who they may import, and who may import them.
COMMON = {"config", "errors", "options"}
MAY_IMPORT = {
    "zone": {"zone", "options", "errors"},
    "protocol": {"protocol", "zone"} | COMMON,
    "store": {"store", "protocol", "zone"} | COMMON,
    "repository": {"repository", "protocol", "zone"} | COMMON,
    "server": {"server", "repository", "store", "protocol", "zone", "__init__"} | COMMON,
    "cli": {"cli", "server", "repository", "store", "protocol", "zone", "__init__"} | COMMON,
    "config": {"config", "options", "errors", "protocol", "zone"},
    "options": {"errors"},
    "errors": set(),
    "__init__": set(),
    "__main__": {"cli"},
}

# The core cannot see the world: bytes and `now` go in, values come out.
PURE = {"zone", "protocol", "options", "errors"}
WORLD = {
    "asyncio", "concurrent", "ctypes", "fcntl", "glob", "http", "io", "lmdb", "logging", "mmap",
    "multiprocessing", "os", "pathlib", "random", "secrets", "select", "selectors", "shutil",
    "signal", "socket", "socketserver", "ssl", "subprocess", "sys", "tempfile", "threading",
    "time", "uuid",
}  # fmt: skip
WORLD_CALLS = {"open", "print", "input"}

MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 400


@dataclass(frozen=True)
class Import:
    """One imported module, by its absolute dotted name."""

    name: str
    line: int


def layer_of(module: Path) -> str:
    """The layer or common module that a file belongs to: zone, server, errors, …"""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(module: Path, tree: ast.AST) -> Iterator[Import]:
    """Every import of a file, those inside functions and TYPE_CHECKING too."""
    package = module.relative_to(AGENT).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            start = ".".join((*above, *([node.module] if node.module else [])))
            # `from zonecast import zone` names a layer, `from zonecast import __version__` none.
            for alias in node.names:
                yield Import(f"{start}.{alias.name}", node.lineno)


def target_layer(imported: str) -> str:
    """The layer of a name below zonecast; what is no file or directory is a name of __init__."""
    parts = imported.split(".")
    layer = parts[1] if len(parts) > 1 else "__init__"
    if (PACKAGE / layer).is_dir() or (PACKAGE / f"{layer}.py").is_file():
        return layer
    return "__init__"


def parse(module: Path) -> ast.Module:
    return ast.parse(module.read_text("utf-8"), str(module))


def test_every_module_belongs_to_a_layer() -> None:
    assert {layer_of(module) for module in MODULES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("layer", sorted(MAY_IMPORT))
def test_imports_run_one_way(layer: str) -> None:
    wrong = [
        f"{module.relative_to(AGENT)}:{found.line} imports {found.name}"
        for module in MODULES
        if layer_of(module) == layer
        for found in imports_of(module, parse(module))
        if found.name.split(".")[0] == "zonecast"
        and target_layer(found.name) not in MAY_IMPORT[layer]
    ]
    assert wrong == []


@pytest.mark.parametrize("layer", sorted(PURE))
def test_the_core_cannot_see_the_world(layer: str) -> None:
    wrong = []
    for module in MODULES:
        if layer_of(module) != layer:
            continue
        tree = parse(module)
        where = module.relative_to(AGENT)
        wrong += [
            f"{where}:{found.line} imports {found.name}"
            for found in imports_of(module, tree)
            if found.name.split(".")[0] in WORLD
        ]
        wrong += [
            f"{where}:{node.lineno} calls {node.func.id}()"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in WORLD_CALLS
        ]
    assert wrong == []


def test_no_module_grows_beyond_reading() -> None:
    too_long = {
        str(module.relative_to(AGENT)): lines
        for module in MODULES
        if (lines := len(module.read_text("utf-8").splitlines())) > MAX_LINES
    }
    assert too_long == {}


def test_the_test_sees_a_wrong_import() -> None:
    source = "from ..server import listeners\nimport zonecast.store.reader\nimport os.path\n"
    found = list(imports_of(PACKAGE / "zone" / "names.py", ast.parse(source)))
    assert [item.name for item in found] == [
        "zonecast.server.listeners",
        "zonecast.store.reader",
        "os.path",
    ]
    assert [target_layer(item.name) for item in found[:2]] == ["server", "store"]
