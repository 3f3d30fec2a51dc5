"""Linear fits from a configuration."""

from pathlib import Path
from typing import NamedTuple

from ..data.files.output_file import refuse_output
from ..fitting import DimerScan, RSquared, fit_linear, r_squared, scan_dimers
from ..potentials import StackedPotential, save_model
from .components import build_stack
from .frames import read_split
from .provenance import provenance
from .settings import FitSettings


class LinearFit(NamedTuple):
    """Result of :func:`fit`."""

    model: StackedPotential
    train: RSquared
    validation: RSquared
    scan: DimerScan
    reasons: list[str]


def fit(settings: FitSettings, overwrite: bool = False) -> LinearFit:
    """Fit a stack of linear potentials, scan it for wells, and write it to ``settings.output``.

    Parameters
    ----------
    settings : FitSettings
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    LinearFit
        Model, coefficients of determination of both sets of frames, the scan of dimers, and why densities
        that the settings leave open are what they are.

    Raises
    ------
    FileExistsError
        If the output exists and `overwrite` is False.
    OSError
        If the folder of the output does not exist or cannot be written to, or the output is a folder.
    ValueError
        If settings or frames are faulty.
    """
    output = Path(settings.output)
    refuse_output(output, overwrite)
    split = read_split(settings.data)
    stack, reasons = build_stack(settings, split.types, split.train)
    stack = stack.to(split.train[0].pos.dtype)
    train = fit_linear(
        stack, split.train, ridge=settings.ridge, target_weights=settings.weights, batch_size=8
    )
    validation = r_squared(stack, split.validation, batch_size=8)
    scan = scan_dimers(stack, split.train[:10])
    save_model(stack, output, overwrite=overwrite, metadata=provenance(settings, split.train[0]))
    return LinearFit(stack, train, validation, scan, reasons)
