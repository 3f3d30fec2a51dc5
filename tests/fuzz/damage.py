"""Damage to the bytes and words of files."""

import random
from collections.abc import Callable

WORDS = [
    b"nan", b"inf", b"-1", b"0", b"1e999", b"1e30", b"99999999999999999999", b"3000000000", b"***",
    b"1.5", b"x", b"", b"1D0", b"\xff", b"'", b'"', b"[", b"{", b"T", b"-", b"1_0", b"\t", b"#",
]  # fmt: skip


def flip(file: bytes, choose: random.Random) -> bytes:
    damaged = bytearray(file)
    damaged[choose.randrange(len(file))] ^= 1 << choose.randrange(8)
    return bytes(damaged)


def cut_short(file: bytes, choose: random.Random) -> bytes:
    return file[: choose.randrange(len(file))]


def take_out(file: bytes, choose: random.Random) -> bytes:
    start = choose.randrange(len(file))
    return file[:start] + file[start + choose.randrange(1, 100) :]


def put_in(file: bytes, choose: random.Random) -> bytes:
    start = choose.randrange(len(file))
    return file[:start] + choose.randbytes(choose.randrange(1, 50)) + file[start:]


def zero(file: bytes, choose: random.Random) -> bytes:
    start, length = choose.randrange(len(file)), choose.choice([1, 8, 512])
    return file[:start] + bytes(min(length, len(file) - start)) + file[start + length :]


def change_word(file: bytes, choose: random.Random) -> bytes:
    lines = file.split(b"\n")
    number = choose.randrange(len(lines))
    words = lines[number].split(b" ")
    words[choose.randrange(len(words))] = choose.choice(WORDS)
    lines[number] = b" ".join(words)
    return b"\n".join(lines)


def change_lines(file: bytes, choose: random.Random) -> bytes:
    lines = file.split(b"\n")
    i, j = choose.randrange(len(lines)), choose.randrange(len(lines))
    change = choose.randrange(4)
    if change == 0:
        del lines[i]
    elif change == 1:
        lines.insert(i, lines[j])
    elif change == 2:
        lines[i], lines[j] = lines[j], lines[i]
    else:
        lines.insert(i, b"")
    return b"\n".join(lines)


OF_BYTES: list[Callable[[bytes, random.Random], bytes]] = [flip, cut_short, take_out, put_in, zero]
OF_TEXT: list[Callable[[bytes, random.Random], bytes]] = [change_word, change_word, change_lines]
