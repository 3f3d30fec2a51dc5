"""Orders of edges."""

from torch import Tensor


def lexicographic_order(*keys: Tensor) -> Tensor:
    """Permutation that sorts by the first key, then by the second, and so on."""
    packed: list[Tensor] = []  # as few keys as 63 bits allow, since each costs a sort
    capacity = 0
    for key in keys:
        key = key.long()
        low, high = (int(x) for x in key.aminmax()) if len(key) else (0, 0)
        span = high - low + 1
        if span <= capacity:
            packed[-1] = packed[-1] * span + (key - low)
            capacity //= span
        else:
            packed.append(key - low)
            capacity = 2**62 // span
    order = packed[-1].argsort(stable=True)
    for key in packed[-2::-1]:
        order = order[key[order].argsort(stable=True)]
    return order
