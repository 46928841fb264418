"""Which code of ours a stage uses, down to single definitions, and a hash of it.

Snakemake does not notice that a package changed, so each rule carries the hash of what its command
uses. Too much in it, and a new column of one table reads the extract again; too little, and an old
number passes for a new one. So imports are followed by definition (function, class, constant), not
by module, and whatever cannot be followed is taken whole:

- a definition counts with every name in it that leads to a definition of ours: its own module's,
  one imported above or inside it, an attribute of an imported module;
- a module that is handed on as a value, or that a text names ("evalweave.estimators.twfe"), counts
  whole; "evalweave.estimators.twfe:twfe" names one definition; a text that is put together
  (f"{__name__}.{name}") stands for all modules of that package;
- what a module does when it is imported (calls, loops, conditions, decorators of ours) counts
  wherever the module is imported;
- a package that is entered counts with its data files (templates, styles, lists).

Comments, layout, docstrings and the annotations of functions change nothing that a stage does, and
do not count. Annotations in classes do: pydantic and dataclasses read them.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = "evalweave"
DATA = (".html", ".css", ".j2", ".js", ".yaml", ".csv")
IMPORTED = ""  # in place of a definition's name: only what importing the module does
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Target = tuple[str, str | None]  # a module below evalweave, and a name in it or None for all of it


@dataclass
class Module:
    """One parsed module: its definitions by name, what it imports, and what it does on import."""

    name: str  # below evalweave; "" is evalweave itself
    file: Path
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, Target] = field(default_factory=dict)
    done_on_import: list[ast.stmt] = field(default_factory=list)

    @property
    def package(self) -> str:
        """The package that the module is, or lies in."""
        return self.name if self.file.name == "__init__.py" else self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Facts:
    """A definition: the hash of what it does, and the definitions and modules that it names."""

    digest: str
    leads_to: tuple[Target, ...]


@dataclass
class Used:
    """What a definition uses: definitions (module and name) and data files."""

    package: Package
    without: frozenset[str] = frozenset()  # modules that are not followed
    definitions: set[tuple[str, str]] = field(default_factory=set)
    data: set[Path] = field(default_factory=set)
    _waiting: list[Target] = field(default_factory=list)

    def follow(self, module: str, name: str) -> Used:
        """Take in all that a definition of a module (dotted, below evalweave) uses; return self."""
        self._waiting = [(module, name)]
        while self._waiting:
            self._take(*self._waiting.pop())
        return self

    def digest(self) -> str:
        """Return a hash of everything that was taken in, in 16 hexadecimal digits."""
        digest = hashlib.sha256()
        for module, name in sorted(self.definitions):
            digest.update(f"{module}:{name}:{self.package.facts(module, name).digest}\n".encode())
        for file in sorted(self.data):
            digest.update(file.relative_to(self.package.folder).as_posix().encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()[:16]

    def _take(self, module: str, name: str | None) -> None:
        found = None if module in self.without else self.package.module(module)
        if found is None:
            return
        self._enter(found)
        if name == IMPORTED:
            return
        if name is None:
            for every in found.definitions:
                self._define(found, every)
            for target in found.imported.values():  # what it hands on
                self._waiting.append(target)
        elif name in found.definitions:
            self._define(found, name)
        elif name in found.imported:
            self._waiting.append(found.imported[name])
        elif self.package.module(_below(module, name)) is not None:
            self._enter_by_name(_below(module, name))
        elif "__getattr__" in found.definitions:
            self._define(found, "__getattr__")

    def _define(self, module: Module, name: str) -> None:
        key = (module.name, name)
        if key not in self.definitions:
            self.definitions.add(key)
            self._waiting += self.package.facts(*key).leads_to

    def _enter(self, module: Module) -> None:
        """Take in what importing a module does, and what importing its packages does."""
        if (module.name, IMPORTED) in self.definitions:
            return
        self._define(module, IMPORTED)
        for target, _ in module.imported.values():
            self._enter_by_name(target)
        if module.file.name == "__init__.py" and module.name:
            self.data.update(_data_files(module.file.parent))
        if module.name:
            self._enter_by_name(module.name.rpartition(".")[0])

    def _enter_by_name(self, name: str) -> None:
        found = None if name in self.without else self.package.module(name)
        if found is not None:
            self._enter(found)


class Package:
    """The source of evalweave at `folder`, each module parsed once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._modules: dict[str, Module | None] = {}
        self._facts: dict[tuple[str, str], Facts] = {}

    def used(self, module: str, name: str, without: frozenset[str] = frozenset()) -> Used:
        """Return what a definition uses, `without` modules that its call never reaches."""
        return Used(self, without).follow(module, name)

    def forget(self, module: str) -> None:
        """Read a module again when it is asked for next."""
        self._modules.pop(module, None)
        self._facts = {key: facts for key, facts in self._facts.items() if key[0] != module}

    def facts(self, module: str, name: str) -> Facts:
        """Return the hash of one definition, and what it leads to."""
        if (module, name) not in self._facts:
            parsed = self._modules[module]
            assert parsed is not None
            statements = parsed.definitions.get(name, [])
            if name == IMPORTED:
                statements = parsed.done_on_import
            names = _Names(self, parsed)
            leads_to = tuple(dict.fromkeys(t for s in statements for t in names.of(s)))
            text = "\n".join(_plain(statement) for statement in statements)
            digest = hashlib.sha256(text.encode()).hexdigest()
            self._facts[module, name] = Facts(digest, leads_to)
        return self._facts[module, name]

    def module_at(self, dotted: str) -> str | None:
        """Return the module that a dotted name (with evalweave in front) is, or None."""
        head, _, rest = dotted.partition(".")
        return rest if rest and head == ROOT and self.module(rest) is not None else None

    def below(self, package: str) -> Iterator[str]:
        """Yield every module directly in a package."""
        stem = self.folder.joinpath(*package.split(".")) if package else self.folder
        for file in sorted([*stem.glob("*.py"), *stem.glob("*/__init__.py")]):
            name = file.parent.name if file.parent != stem else file.stem
            if name != "__init__":
                yield _below(package, name)

    def module(self, name: str) -> Module | None:
        if name not in self._modules:
            stem = self.folder.joinpath(*name.split(".")) if name else self.folder
            places = (stem.with_suffix(".py"), stem / "__init__.py")[not name :]
            file = next((place for place in places if place.is_file()), None)
            self._modules[name] = None if file is None else self._parsed(Module(name, file))
        return self._modules[name]

    def _parsed(self, module: Module) -> Module:
        tree = ast.parse(module.file.read_bytes())
        for statement in _at_run_time(tree.body):
            if isinstance(statement, ast.Import | ast.ImportFrom):
                module.imported |= self.bound(statement, module.package)
            elif _is_docstring(statement):
                continue
            elif (names := _defined(statement)) and not self._decorated_by_ours(statement, module):
                for name in names:
                    module.definitions.setdefault(name, []).append(statement)
            else:
                module.done_on_import.append(statement)
                for inner in ast.walk(statement):
                    if isinstance(inner, ast.Import | ast.ImportFrom):
                        module.imported |= self.bound(inner, module.package)
                    elif isinstance(inner, ast.stmt):
                        for name in _defined(inner):
                            module.definitions.setdefault(name, []).append(statement)
        return module

    def bound(self, statement: ast.Import | ast.ImportFrom, package: str) -> dict[str, Target]:
        """Return the names that an import binds to modules and definitions of ours."""
        names: dict[str, Target] = {}
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.name.split(".")[0] == ROOT:
                    whole = alias.name.partition(".")[2]
                    names[alias.asname or alias.name] = (whole, None)
            return names
        if statement.level:
            base = package.split(".") if package else []
            base = base[: len(base) - statement.level + 1]
            source = ".".join([*base, *([statement.module] if statement.module else [])])
        elif (statement.module or "").split(".")[0] == ROOT:
            source = (statement.module or "").partition(".")[2]
        else:
            return names
        for alias in statement.names:
            inner = _below(source, alias.name)
            defined_there = self._defines(source, alias.name)
            named = (source, None if alias.name == "*" else alias.name)
            whole_module = not defined_there and self._is_file(inner)
            names[alias.asname or alias.name] = (inner, None) if whole_module else named
        return names

    def _is_file(self, name: str) -> bool:
        stem = self.folder.joinpath(*name.split("."))
        return stem.with_suffix(".py").is_file() or (stem / "__init__.py").is_file()

    def _defines(self, module: str, name: str) -> bool:
        """Say whether a package defines `name` beside a module of that name (it wins)."""
        parsed = self._modules.get(module)
        return parsed is not None and name in parsed.definitions

    def _decorated_by_ours(self, statement: ast.stmt, module: Module) -> bool:
        decorators = getattr(statement, "decorator_list", [])
        names = {node.id for d in decorators for node in ast.walk(d) if isinstance(node, ast.Name)}
        return any(name in module.imported or name in module.definitions for name in names)


class _Names(ast.NodeVisitor):
    """The definitions of ours that one statement of a module leads to."""

    def __init__(self, package: Package, module: Module) -> None:
        self.package = package
        self.module = module
        self.targets: list[Target] = []
        self.bound: dict[str, Target] = {}

    def of(self, statement: ast.stmt) -> list[Target]:
        self.targets = []
        self.bound = dict(self.module.imported)
        for node in ast.walk(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                inside = self.package.bound(node, self.module.package)
                self.bound |= inside
                self.targets += [(target, IMPORTED) for target, _ in inside.values()]
        self.visit(statement)
        return self.targets

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        inside = [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, *node.body]
        for part in inside:
            if part is not None and not (isinstance(part, ast.stmt) and _is_docstring(part)):
                self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Bound already."""

    visit_ImportFrom = visit_Import

    def visit_If(self, node: ast.If) -> None:
        if not _for_type_checkers(node):
            self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self._reach([node.id])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        names, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            names.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self._reach([inner.id, *names])
        else:
            self.visit(inner)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and node.value.startswith(f"{ROOT}."):
            module, _, name = node.value.partition(":")
            found = self.package.module_at(module)
            if found is not None:
                self.targets.append((found, name or None))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        first = node.values[0] if node.values else None
        if isinstance(first, ast.FormattedValue):
            if isinstance(first.value, ast.Name) and first.value.id == "__name__":
                self.targets += [(name, None) for name in self.package.below(self.module.package)]
        elif isinstance(first, ast.Constant) and str(first.value).startswith(f"{ROOT}."):
            package = str(first.value).rpartition(".")[0].partition(".")[2]
            self.targets += [(name, None) for name in self.package.below(package)]
        self.generic_visit(node)

    def _reach(self, chain: list[str]) -> None:
        """Add what a dotted name leads to: the definition that it ends in, or a whole module."""
        for length in range(len(chain), 0, -1):
            name = ".".join(chain[:length])
            if name in self.bound:
                self._descend(*self.bound[name], chain[length:])
                return
        if chain[0] in self.module.definitions:
            self.targets.append((self.module.name, chain[0]))

    def _descend(self, module: str, name: str | None, rest: list[str]) -> None:
        while name is None and rest:
            inner = _below(module, rest[0])
            if self.package.module_at(f"{ROOT}.{inner}") is None:
                name = rest[0]
            else:
                module = inner
            rest = rest[1:]
        self.targets.append((module, name))


def _below(package: str, name: str) -> str:
    return f"{package}.{name}" if package else name


def _defined(statement: ast.stmt) -> list[str]:
    """Return the names that a statement of a module defines, if defining is all it does."""
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    else:
        return []
    flat = [part for t in targets for part in (t.elts if isinstance(t, ast.Tuple) else [t])]
    names = [t.id for t in flat if isinstance(t, ast.Name)]
    return names if len(names) == len(flat) else []


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _at_run_time(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements, of `if TYPE_CHECKING:` those of its `else` only."""
    for one in body:
        yield from _at_run_time(getattr(one, "orelse", [])) if _for_type_checkers(one) else [one]


def _for_type_checkers(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Name)
        and statement.test.id == "TYPE_CHECKING"
    )


class _Bare(ast.NodeTransformer):
    """Takes out what changes nothing: docstrings, and the annotations of functions."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            node.body = [s for s in node.body if not _is_docstring(s)] or [ast.Pass()]
        if isinstance(node, FUNCTIONS):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        return node


def _plain(statement: ast.stmt) -> str:
    return ast.dump(_Bare().visit(statement), annotate_fields=False)


def _data_files(package: Path) -> Iterator[Path]:
    for file in sorted(package.rglob("*")):
        inside = file.parent
        while inside != package and not (inside / "__init__.py").is_file():
            inside = inside.parent
        if inside == package and file.suffix in DATA and file.is_file():
            yield file
