"""Labels that tell files apart."""

from collections.abc import Sequence
from pathlib import Path


def distinct_labels(paths: Sequence[Path]) -> list[str]:
    """Names of files, with as much of their paths as tells them apart.

    A file that is given several times is numbered.

    Examples
    --------
    >>> distinct_labels([Path("mapped.xyz"), Path("a/run.xyz"), Path("b/run.xyz")])
    ['mapped', 'a/run', 'b/run']
    """
    labels: list[str] = []
    for position, path in enumerate(paths):
        others = [other for other in paths if other != path]
        label = next(
            (
                "/".join(_end(path, n, suffix))
                for suffix in (False, True)
                for n in range(1, len(path.parts) + 1)
                if all(_end(other, n, suffix) != _end(path, n, suffix) for other in others)
            ),
            str(path),
        )
        earlier = list(paths[:position]).count(path)
        labels.append(f"{label} ({earlier + 1})" if earlier else label)
    return labels


def refuse_repeated_labels(labels: Sequence[str]) -> None:
    """Check that no label names two files.

    Raises
    ------
    ValueError
        If one does.
    """
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(
                f"found the label {label!r} {labels.count(label)} times, expected one for each trajectory "
                "that tells it apart; give others with --labels"
            )


def _end(path: Path, n_parts: int, suffix: bool) -> tuple[str, ...]:
    return (path if suffix else path.with_suffix("")).parts[-n_parts:]
