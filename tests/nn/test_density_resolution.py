"""What an expansion keeps of a density, against sums over a grid of points."""

from typing import Any

import pytest
import torch

from anisoap_e3nn import AniSOAPEmbedding, EllipsoidData
from anisoap_e3nn.geometry import covariances
from anisoap_e3nn.nn import expanded_density, kept_density

pytestmark = pytest.mark.usefixtures("float64_by_default")
CUTOFF, SPACING = 3.0, 0.125


def neighborhood() -> EllipsoidData:
    """A particle with neighbours of two types, two of which overlap."""
    return EllipsoidData(
        [[0.0, 0, 0], [1.4, 0.2, 0], [1.5, 0.6, 0.5], [-0.6, 1.3, 0.4]],
        [[1.0, 0.2, 0, 0], [0.3, 1, 0, 0.5], [1.0, -0.4, 0.7, 0], [0.1, 0, 1, 0]],
        [[0.5, 0.7, 1.0]] * 4,
        [6, 6, 1, 6],
    )


def grid() -> torch.Tensor:
    axis = torch.arange(-3.5, 3.5, SPACING) + SPACING / 3  # no point at the origin
    return torch.cartesian_prod(axis, axis, axis)


@pytest.mark.parametrize("options", [{}, {"radial_gaussian_width": [0.3, 0.6], "max_radial": 2}])
def test_squares_on_a_grid(options: dict[str, Any]) -> None:
    """∫ρ² and ∫(ρ - ρ̃)² give the same fraction."""
    arguments = {
        "max_angular": 6,
        "max_radial": 4,
        "radial_gaussian_width": 0.4,
        "density_width": 0.5,
        "cutoff_function": "polynomial",
        "include_self": False,
    }
    embedding = AniSOAPEmbedding([6, 1], CUTOFF, **(arguments | options))
    data, points = neighborhood(), grid()
    coefficients = embedding(data)[0]
    shapes = covariances(data.orientations, 0.5 * data.semiaxes)
    whole = lost = 0.0
    columns = torch.zeros_like(coefficients)
    for type_ in (6, 1):
        density = torch.zeros(len(points))
        for j in (1, 2, 3):
            if data.types[j] == type_:
                r = data.pos[j]
                normal = torch.distributions.MultivariateNormal(r, shapes[j])
                assert embedding.cutoff_function is not None
                weight = embedding.cutoff_function(r.norm())
                density += weight * normal.log_prob(points).exp()
        columns.zero_()
        for (mul, ir), where in zip(
            embedding.irreps_out, embedding.irreps_out.slices(), strict=True
        ):
            half = mul * ir.dim // 2
            some = slice(where.start, where.start + half)
            some = some if type_ == 6 else slice(where.start + half, where.stop)
            columns[some] = coefficients[some]
        error = density - expanded_density(embedding, columns, points)
        whole += float(density.square().sum())
        lost += float(error.square().sum())
    kept = kept_density(embedding, data)[0]
    assert 0.3 < kept < 0.95
    torch.testing.assert_close(kept, torch.tensor(1 - lost / whole), rtol=0, atol=2e-3)


def test_the_own_density_and_the_frame_do_not_matter() -> None:
    data = neighborhood()
    arguments = {"radial_gaussian_width": 0.4, "density_width": 0.5}
    embedding = AniSOAPEmbedding([6, 1], CUTOFF, 4, 2, **arguments)
    expected = kept_density(embedding, data)
    separate = AniSOAPEmbedding([6, 1], CUTOFF, 4, 2, include_self="separate", **arguments)
    torch.testing.assert_close(kept_density(separate, data), expected)
    turned = data.clone()
    # other names of the axes, of space and of the bodies
    turned.pos, turned.semiaxes = data.pos[:, [1, 2, 0]], data.semiaxes[:, [1, 2, 0]]
    turned.orientations = data.orientations[:, [0, 2, 3, 1]]
    torch.testing.assert_close(kept_density(embedding, turned), expected)
    finer = AniSOAPEmbedding([6, 1], CUTOFF, 8, 4, **arguments)
    assert (kept_density(finer, data) > expected).all()


def test_alone_there_is_nothing_to_keep() -> None:
    alone = EllipsoidData([[0.0, 0, 0]], [[1.0, 0, 0, 0]], [[1.0, 1, 1]], [6])
    embedding = AniSOAPEmbedding([6], CUTOFF, 2, radial_gaussian_width=0.5)
    assert kept_density(embedding, alone).isnan().all()
    with_map = AniSOAPEmbedding([6], CUTOFF, 2, radial_gaussian_width=0.5, irreps_out="1x0e")
    with pytest.raises(ValueError, match="with irreps_out"):
        kept_density(with_map, alone)
