"""The command ``anisoap-e3nn featurize``."""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from tqdm import tqdm

from .input_frames import input_frames
from .printing import print_text

if TYPE_CHECKING:
    from ..data import EllipsoidData

# Largest number of frames, and of particles, that are embedded together: large enough to hide the cost
# of a call, small enough to save memory.
_BATCH_SIZE = 512


def featurize(options: argparse.Namespace) -> None:
    """Write the coefficients of all particles of a file to another file, frame by frame."""
    from ..data import count_frames
    from ..data.batches import iterate_batches
    from ..data.files.output_file import refuse_output
    from ..nn import AniSOAPEmbedding

    refuse_output(options.output, options.overwrite, tuple(_WRITERS))
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    start = time.perf_counter()
    types, total = options.types, None
    if types is None:
        types, total = _find_types(_frames(options), options.input)
    else:
        total = count_frames(options.input)
    embedding = AniSOAPEmbedding(
        types=types,
        cutoff=options.cutoff,
        max_angular=options.max_angular,
        max_radial=_one_or_several(options.max_radial),
        radial_basis=options.radial_basis,
        radial_gaussian_width=_one_or_several(options.radial_gaussian_width),
        rcond=options.rcond,
        cutoff_function=options.cutoff_function,
        include_self={"yes": True, "no": False}.get(options.include_self, options.include_self),
        density_width=options.density_width,
    ).to(getattr(torch, options.dtype))
    counts: Counter[str] = Counter()
    with tqdm(total=total, desc="featurize", unit="frame", disable=None) as progress:

        def featurized() -> Iterator[tuple[Tensor, Any]]:
            frames = map(_without_targets, _frames(options))
            for batch in iterate_batches(frames, _BATCH_SIZE, max_particles=_BATCH_SIZE):
                batch = batch.with_edges(embedding.cutoff)
                with torch.no_grad():
                    yield embedding(batch), batch
                counts.update(
                    frames=batch.num_graphs, particles=batch.num_nodes, pairs=batch.num_edges
                )
                progress.update(batch.num_graphs)

        size = _WRITERS[options.output.suffix](options, embedding, featurized())
    seconds = time.perf_counter() - start
    print_text(
        f"wrote      {options.output}, {size / 1e6:.3g} MB\n"
        f"frames     {counts['frames']}\n"
        f"particles  {counts['particles']}, types {types}\n"
        f"pairs      {counts['pairs']} within {embedding.cutoff:g}, each counted from both particles\n"
        f"features   {embedding.irreps_out.dim} per particle: {embedding.irreps_out}\n"
        f"time       {seconds:.3g} s, {counts['particles'] / seconds:.3g} particles/s"
    )


def _write_arrays(
    options: argparse.Namespace, embedding: Any, featurized: Iterable[tuple[Tensor, Any]]
) -> int:
    from ..data.files.feature_file import FeatureFile

    dim, dtype = embedding.irreps_out.dim, getattr(torch, options.dtype)
    with FeatureFile(options.output, dim, dtype, options.overwrite) as output:
        for features, batch in featurized:
            output.append(features, batch.types, batch.ptr.diff())
        return output.finish({"channels": list(embedding.channels), **_texts(embedding)})


def _write_tensor_map(
    options: argparse.Namespace, embedding: Any, featurized: Iterable[tuple[Tensor, Any]]
) -> int:
    from ..data.files.tensor_map_file import TensorMapFile

    nothing = torch.zeros(0, embedding.irreps_out.dim, dtype=getattr(torch, options.dtype))
    template = embedding.to_metatensor(nothing, torch.zeros(0, dtype=torch.int64))
    with TensorMapFile(options.output, template, options.overwrite) as output:
        for features, batch in featurized:
            output.append(embedding.to_metatensor(features, batch), batch.num_graphs)
        return output.finish(_texts(embedding))


_WRITERS = {".npz": _write_arrays, ".pt": _write_arrays, ".mts": _write_tensor_map}


def _frames(options: argparse.Namespace) -> Iterator["EllipsoidData"]:
    return input_frames(options, getattr(torch, options.dtype))


def _find_types(frames: Iterable["EllipsoidData"], path: Path) -> tuple[list[int], int]:
    types: set[int] = set()
    frames = tqdm(frames, desc="find types", unit="frame", disable=None, leave=False)
    number = 0
    for number, data in enumerate(frames, start=1):  # noqa: B007, counted for the caller
        types.update(data.types.tolist())
    if not types:
        raise ValueError(f"found no particles in {path}; give their types with --types")
    return sorted(types), number


def _without_targets(data: "EllipsoidData") -> "EllipsoidData":
    # frames with different targets cannot be batched together
    for name in ("energy", "forces", "stress", "torques"):
        if name in data:
            del data[name]
    return data


def _texts(embedding: Any) -> dict[str, str]:
    from .. import __version__

    return {
        "irreps": str(embedding.irreps_out),
        "hyperparameters": json.dumps(embedding.hyperparameters),
        "version": __version__,
    }


def _one_or_several(numbers: list[Any] | None) -> Any:
    return numbers[0] if numbers and len(numbers) == 1 else numbers
