"""The figures of AniSOAP itself."""

from pathlib import Path

import pytest
import torch

from anisoap_e3nn import AniSOAPEmbedding
from anisoap_e3nn.conventions import wiki_to_e3nn
from common import REFERENCE_FILES, Reference

COEFFICIENT_FILES = [path for path in REFERENCE_FILES if not path.stem.startswith("power_spectrum")]
SPECTRUM_FILES = [path for path in REFERENCE_FILES if path.stem.startswith("power_spectrum")]
# the overlap matrix of gto_high_degree is nearly singular
TOLERANCES = {
    torch.float64: {"gto_high_degree": 1e-10, "otherwise": 1e-12},
    torch.float32: {"gto_high_degree": 1e-3, "otherwise": 1e-5},
}


def by_l(embedding: AniSOAPEmbedding, x: torch.Tensor) -> dict[int, torch.Tensor]:
    """Coefficients ``[particle, type, n, 2l + 1]`` for each l."""
    entries = zip(embedding.irreps_out, embedding.irreps_out.slices(), strict=True)
    types = len(embedding.types)
    return {ir.l: x[:, where].reshape(len(x), types, -1, ir.dim) for (_, ir), where in entries}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["f64", "f32"])
@pytest.mark.parametrize("path", COEFFICIENT_FILES, ids=lambda path: path.stem)
def test_coefficients(backend: str, path: Path, dtype: torch.dtype) -> None:
    reference = Reference.load(path)
    embedding = AniSOAPEmbedding(**reference.embedding_arguments).to(dtype)
    ours = by_l(embedding, embedding(**reference.inputs(dtype)).double())
    tolerance = TOLERANCES[dtype].get(path.stem, TOLERANCES[dtype]["otherwise"])
    assert len(ours) == reference.hypers["max_angular"] + 1
    for l, coefficients in ours.items():
        theirs = reference.arrays[f"coefficients_l{l}"] @ wiki_to_e3nn(l).T
        error = (coefficients - theirs).abs().max() / theirs.abs().max()
        assert error <= tolerance, f"l = {l}: {error:.1e}"


@pytest.mark.parametrize("path", SPECTRUM_FILES, ids=lambda path: path.stem)
def test_invariants_made_of_the_coefficients(backend: str, path: Path) -> None:
    reference = Reference.load(path)
    embedding = AniSOAPEmbedding(**reference.embedding_arguments).double()
    for l, c in by_l(embedding, embedding(**reference.inputs(torch.float64))).items():
        ours = (-1) ** l / (2 * l + 1) ** 0.5 * torch.einsum("isnm,itkm->isntk", c, c)
        theirs = reference.arrays[f"power_spectrum_l{l}"]
        assert (ours - theirs).abs().max() <= 1e-12 * theirs.abs().max()


def test_all_seven_files_are_there() -> None:
    assert (len(COEFFICIENT_FILES), len(SPECTRUM_FILES)) == (5, 2)
