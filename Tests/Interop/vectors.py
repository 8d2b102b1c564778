#!/usr/bin/env python3
"""Writes Tests/Interop/Vectors/*.txt: what the network's pages fix, computed from the pages alone by the modules beside this one.

A line is a kind and then `name=value` pairs. A value is a number, a word, or bytes: `:` and parts joined by `+`, each hex,
`hex*n` for n times the same, or `hex*n*s` for n of which each is larger by s than the one before, as a big-endian number. With a folder as argument the files go there. Python's own library is enough."""
import pathlib
import sys

import discovery
import gossip
import receipts
import space


def run(data, at):
    """The longest run at a place whose parts have one width and differ by one step: (width, step, count)."""
    best = (1, 0, 1)
    for width in (data.find(data[at:at + 8], at + 1, at + 600) - at, 1, 5, 6):
        if width < 1:
            continue
        first = int.from_bytes(data[at:at + width], "big")
        step = int.from_bytes(data[at + width:at + 2 * width], "big") - first
        count = 1
        if width == 1 and data[at:at + 3] == data[at:at + 1] * 3:
            count = len(data) - at - len(data[at:].lstrip(data[at:at + 1]))
        while 0 <= step < 257 and data[at + count * width:at + (count + 1) * width] == (first + step * count).to_bytes(width + 8, "big")[8:]:
            count += 1
        if count > 3 and count * width > best[0] * best[2]:
            best = (width, step, count)
    return best


def spelled(data):
    parts, plain, at = [], "", 0
    while at < len(data):
        width, step, count = run(data, at)
        if count * width < 24:
            plain += f"{data[at]:02x}"
            at += 1
            continue
        parts += [plain] if plain else []
        plain = ""
        parts.append(f"{data[at:at + width].hex()}*{count}" + (f"*{step}" if step else ""))
        at += width * count
    return ":" + "+".join(parts + ([plain] if plain else []))


def unspelled(text):
    out = b""
    for part in text[1:].split("+"):
        raw, count, step = part.split("*") + ["1", "0"][part.count("*"):]
        raw = bytes.fromhex(raw)
        first = int.from_bytes(raw, "big")
        out += raw * int(count) if step == "0" else b"".join((first + int(step) * i).to_bytes(len(raw), "big") for i in range(int(count)))
    return out


def line(kind, values):
    for value in values.values():
        assert not isinstance(value, bytes) or unspelled(spelled(value)) == value
    return " ".join([kind] + [f"{name}={spelled(value) if isinstance(value, (bytes, bytearray)) else value}" for name, value in values.items()])


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "Vectors"
    folder.mkdir(exist_ok=True)
    for module in (space, gossip, receipts, discovery):
        (folder / f"{module.__name__}.txt").write_text("".join(line(*made) + "\n" for made in module.lines()))


if __name__ == "__main__":
    main()
