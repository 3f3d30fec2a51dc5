"""Random numbers apart from those of another project's layers."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def own_random_numbers() -> Iterator[None]:
    """Draw random numbers from a seed of their own, for the length of a block or of a decorated function.

    torch's generator of the CPU gives the seed, and goes on as if one number had been drawn. What is drawn
    after the block does therefore not depend on how many numbers were drawn in it.
    """
    seed = int(torch.randint(2**31, (), device="cpu"))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
