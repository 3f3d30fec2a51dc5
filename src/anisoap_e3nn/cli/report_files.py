"""Files that a command writes beside what it prints: numbers as JSON, and a figure."""

import argparse
from pathlib import Path
from typing import Any


def add_report_options(command: argparse.ArgumentParser, numbers: str, figure: str) -> None:
    """Add the options that :func:`refuse_report_files` looks at.

    Parameters
    ----------
    command : ArgumentParser
    numbers, figure : str
        Help of ``--json`` and of ``--figure``.
    """
    add = command.add_argument
    add("--json", type=Path, metavar="OUT.json", help=numbers)
    add("--figure", type=Path, metavar="OUT.png", help=figure)
    add(
        "--overwrite",
        action="store_true",
        help="replace the files of --json and --figure if they exist",
    )


def refuse_report_files(options: argparse.Namespace) -> None:
    """Check that the files can be written, before any work is done for them.

    Raises
    ------
    FileExistsError
        If one exists, and ``--overwrite`` is not given.
    FileNotFoundError
        If its folder does not exist.
    ImportError
        If there is to be a figure, and Matplotlib is not installed.
    ValueError
        If Matplotlib has no format of that name, or both are one file.
    """
    from ..data.files.output_file import refuse_output

    given = [path for path in (options.json, options.figure) if path is not None]
    for path in given:
        refuse_output(path, options.overwrite)
    if len(given) == 2 and given[0].resolve() == given[1].resolve():
        raise ValueError(f"found {given[0]} for both --json and --figure, expected two files")
    if options.figure is not None:
        formats = new_figure().canvas.get_supported_filetypes()
        if options.figure.suffix.lower().removeprefix(".") not in formats:
            raise ValueError(
                f"found the figure {options.figure.name!r}, expected a name that ends in one of "
                f"{', '.join(f'.{name}' for name in sorted(formats))}"
            )


def new_figure(**options: Any) -> Any:
    """Empty figure of Matplotlib.

    Raises
    ------
    ImportError
        If Matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            'figures need matplotlib, which is not installed: pip install "anisoap-e3nn[viz]"'
        ) from error
    return Figure(**options)
