"""Reads the imports of every module and names those that go against the arrows of docs/architecture.md."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

# What each room may import besides itself, the standard library and third-party packages.
ALLOWED: dict[str, set[str]] = {
    "contract": set(),
    "access": {"contract"},
    # Installed alone into a Jetson's own Python.
    "vision": set(),
    "vision.wire": set(),
    "vision.packs": set(),
    "vision.faces": {"vision.boxes", "vision.graph", "vision.packs", "vision.sight", "vision.tracker"},
    "vision.people": {"vision.boxes", "vision.faces", "vision.graph", "vision.shot", "vision.sight", "vision.tracker"},
    # Knows no backend: it is given one, by the name that the graph says.
    "vision.worker": {"vision.analysis", "vision.graph", "vision.memory", "vision.packs", "vision.shot", "vision.sight",
                      "vision.wire"},
    "vision.cpu": {"vision.analysis", "vision.boxes", "vision.faces", "vision.follow", "vision.graph", "vision.packs",
                   "vision.people", "vision.shot", "vision.sight", "vision.tracker"},
    "visionlink": {"contract", "vision.wire"},
    "appliance.pipeline": {"contract", "visionlink"},
    "appliance.store": {"access", "contract"},
    "appliance.sync": {"contract"},
    "appliance.api": {"access", "contract", "web"},
    "cloud.database": {"access", "contract"},
    "cloud.database.tables": set(),
    "cloud.ingest": {"contract", "cloud.database"},
    "cloud.ledger": {"contract", "cloud.database"},
    "cloud.ledger.fabric": {"contract", "cloud.ledger.gateway"},
    # Could be published alone: knows Fabric and nothing else.
    "cloud.ledger.gateway": set(),
    "cloud.notify": {"contract", "cloud.database"},
    "cloud.admin": {"access", "contract", "cloud.database", "web"},
    "police": {"access", "contract", "cloud.config", "cloud.database", "cloud.ledger.gateway", "cloud.notify",
               "cloud.server", "cloud.worker", "web"},
    "web": {"access", "contract"},
    "demo.standin": set(),
}
# The only files that wire rooms together, and what they may reach.
WIRING: dict[str, set[str]] = {
    "appliance": {"contract", "vision", "visionlink", "appliance"},
    "cloud": {"access", "contract", "visionlink", "cloud", "vision"},
    "demo": {"contract", "demo", "cloud", "police", "appliance", "sentrybox", "vision"},
    "sentrybox": {"access", "contract", "appliance", "cloud", "police", "demo", "sentrybox", "vision"},
}
WIRES = ("app", "__main__")
ROOTS = ("access", "contract", "vision", "visionlink", "appliance", "cloud", "police", "demo", "sentrybox", "web")


def module_name(path: Path, root: Path) -> str:
    """Dotted name of a file below root."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """The innermost room that a module belongs to: a key of ALLOWED, or the top package for wiring."""
    rooms = [room for room in ALLOWED if module == room or module.startswith(room + ".")]
    return max(rooms, key=len, default=module.split(".")[0])


def imported(source: str, module: str, is_package: bool) -> list[str]:
    """Modules of ours that the source imports, absolute."""
    names = []
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] in ROOTS]


def modules(root: Path) -> dict[str, list[str]]:
    """Each module of ours -> the names of ours that it imports."""
    found = {}
    for top in ROOTS:
        for path in sorted((root / top).rglob("*.py")):
            module = module_name(path, root)
            found[module] = imported(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")
    return found


def violations(root: Path) -> list[str]:
    """`module imports other` for each import that points the wrong way."""
    found = []
    for module, names in modules(root).items():
        room = room_of(module)
        allowed = ALLOWED[room] | {room} if room in ALLOWED else WIRING.get(room, set())
        found += [f"{module} imports {name}" for name in names
                  if not any(name == a or name.startswith(a + ".") or a.startswith(name + ".") for a in allowed)]
    return sorted(set(found))


def circle(root: Path) -> list[str]:
    """The folders of a circle of imports between folders, in order; [] when there is none.

    What wires a process together (app.py, __main__.py) stands above its folder and does not count.
    """
    known = modules(root)
    folders: dict[str, set[str]] = {}
    for module, names in known.items():
        if module.rpartition(".")[2] in WIRES:
            continue
        here = _folder(module, root)
        files = [name for name in names if name in known and not (root / name.replace(".", "/")).is_dir()]
        folders.setdefault(here, set()).update({_folder(name, root) for name in files} - {here})
    try:
        TopologicalSorter(folders).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _folder(module: str, root: Path) -> str:
    return module if (root / module.replace(".", "/")).is_dir() else module.rpartition(".")[0]
