"""Extended XYZ files of ellipsoids as output."""

from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from .number_columns import Array
from .output_file import OutputFile

_OPTIONAL = ("forces", "torques", "masses", "moments")


class ExtendedXYZFile(OutputFile):
    """Extended XYZ file that is written frame by frame, and appears only when complete.

    The columns are ``species``, ``pos``, ``orientations`` (w, x, y, z, body → space), ``semiaxes`` and, where
    the frames have them, ``forces``, ``torques``, ``masses`` and ``moments`` of inertia. Energy and stress
    are in the header. The species is the element whose atomic number is the particle's type; X is 0. All
    digits are kept.

    Parameters
    ----------
    path : Path
        Output file, ``.xyz`` or ``.extxyz``.
    overwrite : bool
        Whether an existing file may be replaced.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from anisoap_e3nn.data import read_ellipsoids
    >>> from anisoap_e3nn.gay_berne import gay_berne_pairs
    >>> pair = gay_berne_pairs(sizes=(1, 0, 0)).train[0]
    >>> with TemporaryDirectory() as folder:
    ...     with ExtendedXYZFile(Path(folder) / "pair.xyz") as file:
    ...         file.append(pair)
    ...         size = file.finish()
    ...     again = read_ellipsoids(Path(folder) / "pair.xyz", dtype=pair.pos.dtype)[0]
    >>> bool((again.torques == pair.torques).all())
    True
    """

    suffixes = (".xyz", ".extxyz")

    def append(self, data: Any) -> None:
        """Add a frame.

        Parameters
        ----------
        data : EllipsoidData

        Raises
        ------
        ValueError
            If a type is no atomic number of an element that ASE knows.
        """
        with self._part("frames").open("a", encoding="utf-8") as part:
            part.write(frame_text(data))

    def finish(self) -> int:
        """Move the file into place and return its size in bytes."""
        return self._finish(None)

    def _assemble(self, target: Path, texts: None) -> None:
        frames = self._part("frames")
        frames.touch()  # there may be none
        frames.replace(target)


def frame_text(data: Any) -> str:
    """Text of one frame, as :class:`ExtendedXYZFile` writes it.

    Raises
    ------
    ValueError
        If a type is no atomic number of an element that ASE knows.
    """
    from ase.data import chemical_symbols

    types = data.types.tolist()
    unknown = sorted({t for t in types if not 0 <= t < len(chemical_symbols)})
    if unknown:
        raise ValueError(
            f"found the types {unknown}, expected 0 to {len(chemical_symbols) - 1}: in extended XYZ "
            "particles have names of elements; renumber the types"
        )
    columns = {
        "pos": data.pos,
        "orientations": data.orientations,
        "semiaxes": data.semiaxes,
        **{name: data[name].view(len(types), -1) for name in _OPTIONAL if name in data},
    }
    rows = np.concatenate([_numbers(values) for values in columns.values()], axis=1)
    lines = [str(len(types)), _header(data, columns)]
    lines += [
        f"{chemical_symbols[type_]:2} {_text(row)}" for type_, row in zip(types, rows, strict=True)
    ]
    return "\n".join(lines) + "\n"


def _header(data: Any, columns: dict[str, Tensor]) -> str:
    widths = "".join(f":{name}:R:{values.shape[1]}" for name, values in columns.items())
    words = [f"Properties=species:S:1{widths}"]
    cell, periodic = _numbers(data.cell).reshape(9), data.pbc.reshape(3).tolist()
    if any(cell):
        words.append(f'Lattice="{_text(cell)}"')
    if "energy" in data:
        words.append(f"energy={_text(_numbers(data.energy).reshape(1))}")
    if "stress" in data:
        words.append(f'stress="{_text(_numbers(data.stress).reshape(9))}"')
    return " ".join([*words, f'pbc="{" ".join("T" if axis else "F" for axis in periodic)}"'])


def _numbers(values: Tensor) -> Array:
    return values.detach().cpu().numpy()


def _text(values: Array) -> str:
    return " ".join(str(x) for x in values)  # the shortest text that is read as the same number
