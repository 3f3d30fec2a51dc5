"""The house keeps its floor plan: short files, and no room that outgrows the others."""

from collections import Counter
from pathlib import Path

SOURCES = Path(__file__).parents[1] / "src"
PACKAGE = SOURCES / "anisoap_e3nn"


def n_lines(file: Path) -> int:
    return len(file.read_text().splitlines())


def test_no_file_is_longer_than_300_lines() -> None:
    files = [*PACKAGE.rglob("*.py"), *(SOURCES / "csrc").iterdir()]
    too_long = {file.name: n_lines(file) for file in files if n_lines(file) > 300}
    assert not too_long
    assert len(files) > 100


def test_no_room_is_more_than_a_quarter_of_the_package() -> None:
    rooms: Counter[str] = Counter()
    for file in PACKAGE.rglob("*.py"):
        rooms[file.relative_to(PACKAGE).parts[0]] += n_lines(file)
    room, largest = rooms.most_common(1)[0]
    assert largest <= rooms.total() / 4, room
