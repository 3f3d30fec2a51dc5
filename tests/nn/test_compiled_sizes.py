"""``torch.compile`` of the embedding, whatever sizes it sees first."""

import pytest
import torch

from anisoap_e3nn import AniSOAPEmbedding
from common import needs_compiler


@pytest.mark.compiler
@needs_compiler
@pytest.mark.usefixtures("float64_by_default")
@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_the_first_call_may_have_any_number_of_particles(
    n: int, generator: torch.Generator
) -> None:
    """Sizes of 3 and 4 are also those of vectors and quaternions, which compilers take for the same."""
    torch._dynamo.reset()
    embedding = AniSOAPEmbedding([0], 4.0, 1, radial_gaussian_width=1.2)
    compiled = torch.compile(embedding, backend="aot_eager", fullgraph=True, dynamic=True)
    for size in (n, 6):
        inputs = (
            torch.randn(7, 3, generator=generator),
            torch.randint(0, size, (2, 7), generator=generator),
            torch.zeros(size, dtype=torch.int64),
            torch.randn(size, 4, generator=generator),
            torch.rand(size, 3, generator=generator),
        )
        torch.testing.assert_close(compiled(*inputs), embedding(*inputs))
