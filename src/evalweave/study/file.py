"""Reading a study file or a SPEC: YAML with line numbers, all mistakes at once, nearest valid key
named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from evalweave.errors import Fault, StudyError, nearest, raise_faults
from evalweave.study.connections import masked
from evalweave.study.stages import outcomes_of
from evalweave.study.whole import Study

Model = TypeVar("Model", bound=BaseModel)
Path_ = tuple[str | int, ...]


def load_study(path: Path | str) -> Study:
    """Read and check a study file, its paths joined on its folder; raise `StudyError` with every
    mistake."""
    return load(path, Study).with_paths_from(Path(path).parent)


def load_settings(text: str, kind: type[Model]) -> Model:
    """Return a stage's settings from JSON text (as the workflow passes it) or from a study file's
    path.

    Paths in JSON are relative to the working directory, those in a study file to the study file.
    """
    if text.lstrip().startswith("{"):
        try:
            return validate(json.loads(text), kind, "--settings", {})
        except RecursionError:
            raise StudyError("--settings: brackets nested too deeply.") from None
        except json.JSONDecodeError as error:
            raise StudyError(
                f"--settings: is not valid JSON at character {error.pos}: {error.msg}."
            ) from None
    study = load_study(text)
    parts = {name: getattr(study, name) for name in kind.model_fields}
    if "outcomes" in parts:
        parts["outcomes"] = outcomes_of(study, kind)
    optional = {
        name
        for name, field in kind.model_fields.items()
        if type(None) in get_args(field.annotation)
    }
    lost = [name for name, part in parts.items() if part is None and name not in optional]
    if lost:
        raise StudyError(
            f"{text}: has no {' and no '.join(lost)} section, so there is nothing to do here."
        )
    return kind.model_validate(parts)


def load_spec(given: str, kind: type[Model]) -> Model:
    """Return what `--spec` gives: the path of a YAML or JSON file, or its text in braces."""
    if not given.strip():
        raise StudyError("--spec: is empty; give a YAML or JSON file, or its text in braces.")
    if not given.lstrip().startswith("{"):
        return load(given, kind)
    try:
        return validate(json.loads(given), kind, "--spec", {})
    except RecursionError:
        raise StudyError("--spec: brackets nested too deeply.") from None
    except json.JSONDecodeError:  # braces of YAML, whose keys need no quotes
        value, lines = parse_yaml(given, "--spec")
        return validate(value, kind, "--spec", lines)


def load(path: Path | str, kind: type[Model]) -> Model:
    """Read a YAML or JSON file into `kind`."""
    value, lines = document(Path(path), kind)
    return validate(value, kind, Path(path).name, lines)


def document(path: Path, kind: type[BaseModel]) -> tuple[Any, dict[Path_, int]]:
    """Return what a YAML or JSON file holds, and the line on which each key stands."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise StudyError(
            f"{path}: this is a pipe or a device, not a file; write its content to a file first."
        )
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise StudyError(f"{path}: there is no such file. {_start(kind)}") from None
    except IsADirectoryError:
        raise StudyError(f"{path}: this is a folder; give the file inside it.") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise StudyError(f"{path}: is not UTF-8 text. Save it as UTF-8.") from None
    if not text.strip():
        raise StudyError(f"{path.name}: is empty. {_start(kind)}")
    return parse_yaml(text, path.name)


def _start(kind: type[BaseModel]) -> str:
    if kind is Study:
        return "`evalweave init DIR` makes a study to start from."
    return "The command's --help shows an example."


class _Plain(yaml.SafeLoader):
    """YAML without days: a day that does not exist is then told of with its place, like any other
    mistake."""


_Plain.yaml_implicit_resolvers = {
    sign: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_yaml(text: str, file: str) -> tuple[Any, dict[Path_, int]]:
    """Return the YAML document as plain values, and the line on which each key stands."""
    try:
        return _parsed_yaml(text, file)
    except RecursionError:
        raise StudyError(
            f"{file}: brackets or lists nested too deeply. No study file needs more than a dozen."
        ) from None


def _parsed_yaml(text: str, file: str) -> tuple[Any, dict[Path_, int]]:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}, line {mark.line + 1}" if mark else file
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise StudyError(
            f"{place}: {problem}. Check the indentation, colons and quotes around here."
        ) from None
    if node is None:
        raise StudyError(f"{file}: is empty: it holds comments only, or nothing.")
    lines: dict[Path_, int] = {}
    faults: list[Fault] = []

    walked: dict[int, bool] = {}

    def walk(node: yaml.Node, place: Path_) -> None:
        lines[place] = node.start_mark.line + 1
        if id(node) in walked:
            if not walked[id(node)]:
                raise StudyError(
                    f"{file}, line {node.start_mark.line + 1}: an alias (*) holds itself. "
                    "Remove it."
                )
            return
        walked[id(node)] = False  # until all below it is walked
        if isinstance(node, yaml.MappingNode):
            seen: dict[str, int] = {}
            for key, value in node.value:
                name = str(key.value)
                if name in seen:
                    faults.append(
                        Fault(
                            file,
                            f'the key "{name}" twice (also line {seen[name]})',
                            "it once",
                            "Remove one of them.",
                            row=key.start_mark.line + 1,
                        )
                    )
                seen[name] = key.start_mark.line + 1
                walk(value, (*place, name))
                lines[(*place, name)] = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                walk(value, (*place, index))
        walked[id(node)] = True

    walk(node, ())
    raise_faults(faults, StudyError)
    try:
        value = _Plain(text).get_single_data() if text else None
    except (yaml.YAMLError, ValueError) as error:
        raise StudyError(f"{file}: {str(error).splitlines()[0]}.") from None
    return value, lines


def validate(value: Any, kind: type[Model], file: str, lines: dict[Path_, int]) -> Model:
    """Validate plain values into `kind`; raise `StudyError` with one sentence per mistake."""
    if not isinstance(value, dict):
        raise StudyError(
            f"{file}: found {type(value).__name__}, expected keys and values such as `study:`."
        )
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        faults = [
            sentence
            for item in error.errors()
            for sentence in _sentences(dict(item), kind, file, lines)
        ]
        if len(faults) > 1:
            faults.insert(0, f"{file}: {len(faults)} things need mending:")
        raise StudyError("\n".join(faults)) from None


def _sentences(
    item: dict[str, Any], kind: type[BaseModel], file: str, lines: dict[Path_, int]
) -> list[str]:
    place: Path_ = tuple(item["loc"])
    line = next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), None)
    where = file + (f", line {line}" if line else "")
    keys = _spoken(place)
    label = f"{where}: {keys}: " if keys else f"{where}: "
    if item["type"] == "extra_forbidden":
        valid = _keys_at(kind, place[:-1])
        return [
            f'{where}: "{place[-1]}" is not a key {_inside(place)}. '
            f"{nearest(str(place[-1]), valid)}"
        ]
    if item["type"] == "missing":
        inside = _inside(place).replace("of ", "in ", 1) if len(place) > 1 else _inside(place)
        return [f'{where}: the key "{place[-1]}" is missing {inside}. Add it.']
    if item["type"] == "value_error":
        return [
            f"{label}{text.removesuffix('.')}." for text in str(item["ctx"]["error"]).splitlines()
        ]
    found = item.get("input")
    found = masked(found) if isinstance(found, str) else found
    shown = (
        f" (found {json.dumps(found, default=str, ensure_ascii=False)[:60]})"
        if not isinstance(found, dict)
        else ""
    )
    message = item["msg"][0].lower() + item["msg"][1:]
    if item["type"] == "literal_error" and isinstance(found, str):
        valid = [w.strip(" '") for w in item["ctx"]["expected"].replace(" or ", ", ").split(",")]
        return [f'{label}"{found}" is not one of {", ".join(valid)}. {nearest(found, valid)}']
    if item["type"].startswith("date"):
        return [f"{label}{json.dumps(found, default=str)[:60]} is no day. Write it as 2015-04-01."]
    step = NEXT_STEPS.get(item["type"], "")
    return [f"{label}{message}{shown}." + (f" {step}" if step else "")]


NEXT_STEPS = {
    "list_type": "Write a list: [a, b], or one line each beginning with a hyphen.",
    "string_type": "Put the text in quotes.",
    "string_pattern_mismatch": "Names begin with a letter and hold letters, digits, - and _ only.",
}


def _spoken(place: Path_) -> str:
    """Return a place in words; entries of a list count from 1."""
    parts = [f"entry {part + 1}" if isinstance(part, int) else part for part in place]
    return ", ".join(part for part in parts if not part.startswith("function-"))


def _inside(place: Path_) -> str:
    parents = _spoken(place[:-1])
    return f"of {parents}" if parents else "at the top of the file"


def _keys_at(kind: Any, place: Path_) -> list[str]:
    """Return the valid keys of the section at `place`."""
    for part in place:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(part)].annotation
        else:
            kind = get_args(kind)[-1] if get_args(kind) else kind
        while not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            options = [
                a for a in get_args(kind) if isinstance(a, type) and issubclass(a, BaseModel)
            ]
            if not options:
                break
            if getattr(kind, "__origin__", None) in (dict, list):
                break
            kind = options[0]
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []
