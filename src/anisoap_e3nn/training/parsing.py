"""Configuration files: parsed and checked before any work is done."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import jsonargparse
import yaml

from ..arguments import nearest

Settings = TypeVar("Settings")


def parse_settings(
    kind: type[Settings], path: str | Path, overrides: Sequence[str] = ()
) -> Settings:
    """Read settings from a YAML file.

    Parameters
    ----------
    kind : type
        Dataclass of the settings.
    path : str or Path
        Configuration file.
    overrides : sequence of str
        Words that take precedence, such as ``--optimization.epochs=5``.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If it is no YAML mapping, a key is unknown (the message names the nearest one) or missing, or a value
        has the wrong type.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no YAML: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} contains {found!r:.100}, expected a mapping of settings")
    _refuse_unknown_keys(found, kind, str(path))
    for word in overrides:
        key = word.removeprefix("--").partition("=")[0]
        if not word.startswith("--") or "=" not in word:
            raise ValueError(f"found {word!r}, expected --KEY=VALUE, such as --output=run")
        _refuse_unknown_keys(_nested(key.split(".")), kind, "the command line")
    parser = _parser(kind)
    try:
        parsed = parser.instantiate(parser.parse_args(["--config", str(path), *overrides]))
    except (jsonargparse.ArgumentError, TypeError) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from error
    return kind(**{f.name: parsed[f.name] for f in dataclasses.fields(kind)})  # type: ignore[arg-type]


def settings_as_yaml(settings: Any) -> str:
    """All settings, defaults too, as the text of a configuration file."""
    return yaml.safe_dump(dataclasses.asdict(settings), sort_keys=False, allow_unicode=True)


def _parser(kind: type) -> Any:
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_class_arguments(kind, as_group=False)
    return parser


def _refuse_unknown_keys(found: dict[Any, Any], kind: type, where: str) -> None:
    hints = get_type_hints(kind)
    for key, value in found.items():
        if key not in hints:
            raise ValueError(
                f"found the unknown key {key!r} in {where}; {nearest(str(key), list(hints))}"
            )
        if dataclasses.is_dataclass(hints[key]) and isinstance(value, dict):
            _refuse_unknown_keys(value, hints[key], f"{key!r} of {where}")


def _nested(keys: list[str]) -> dict[str, Any]:
    return {keys[0]: _nested(keys[1:]) if len(keys) > 1 else None}
