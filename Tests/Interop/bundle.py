#!/usr/bin/env python3
"""A second reader of bundles, from docs/spec/bundle.md and the standard library alone.

usage: bundle.py FILE…

Prints, for each, its kind, name, digest and files; ends with 1 where a bundle is not what the page says.
"""
import base64
import gzip
import hashlib
import json
import struct
import sys


class Fault(Exception):
    pass


def must(holds, words):
    if not holds:
        raise Fault(words)


def decode(data, at=0):
    """One MessagePack value and where it ends."""
    first = data[at]
    at += 1

    def number(size):
        must(at + size <= len(data), "cut")
        return int.from_bytes(data[at:at + size], "big"), at + size

    def take(count, at):
        must(at + count <= len(data), "cut")
        return data[at:at + count], at + count

    def many(count, at):
        items = []
        for _ in range(count):
            item, at = decode(data, at)
            items.append(item)
        return items, at

    def pairs(count, at):
        items, at = many(2 * count, at)
        keys = items[::2]
        must(len(set(keys)) == count, "a key twice")
        must(keys == sorted(keys, key=encode), "keys are not in the order of their bytes")
        return dict(zip(keys, items[1::2])), at

    if first < 0x80:
        return first, at
    if first < 0x90:
        return pairs(first & 15, at)
    if first < 0xA0:
        return many(first & 15, at)
    if first < 0xC0:
        text, at = take(first & 31, at)
        return text.decode(), at
    sizes = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}
    must(first in sizes, f"a value of a kind that no bundle has: {first:#x}")
    count, at = number(sizes[first])
    if first <= 0xC6:
        return take(count, at)
    if first <= 0xDB:
        text, at = take(count, at)
        return text.decode(), at
    return many(count, at) if first <= 0xDD else pairs(count, at)


def head(count, short, most, codes):
    if count < most:
        return bytes([short | count])
    for code, form, limit in codes:
        if count < limit:
            return struct.pack(">B" + form, code, count)


def encode(value):
    """The one way to write a value."""
    if isinstance(value, str):
        data = value.encode()
        return head(len(data), 0xA0, 32, [(0xD9, "B", 1 << 8), (0xDA, "H", 1 << 16), (0xDB, "I", 1 << 32)]) + data
    if isinstance(value, bytes):
        return head(len(value), 0, 0, [(0xC4, "B", 1 << 8), (0xC5, "H", 1 << 16), (0xC6, "I", 1 << 32)]) + value
    if isinstance(value, list):
        return head(len(value), 0x90, 16, [(0xDC, "H", 1 << 16), (0xDD, "I", 1 << 32)]) + b"".join(map(encode, value))
    body = sorted((encode(key), encode(item)) for key, item in value.items())
    return head(len(body), 0x80, 16, [(0xDE, "H", 1 << 16), (0xDF, "I", 1 << 32)]) + b"".join(k + v for k, v in body)


def blake(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def core(word, prefix):
    """The 32 bytes of a hash as text: `u`, then base64url of prefix, core and location."""
    must(word[:1] == "u" and len(word) == 53, f"no hash: {word}")
    data = base64.urlsafe_b64decode(word[1:])
    must(data[:3] == prefix, f"a hash of another type: {word}")
    must(word == text(prefix, data[3:35]), f"a location that is not the core's: {word}")
    return data[3:35]


def text(prefix, digest):
    place = hashlib.blake2b(digest, digest_size=16).digest()
    folded = bytes(place[i] ^ place[i + 4] ^ place[i + 8] ^ place[i + 12] for i in range(4))
    return "u" + base64.urlsafe_b64encode(prefix + digest + folded).decode()


ENTRY = bytes([0x84, 0x21, 0x24])
DNA = bytes([0x84, 0x2D, 0x24])


def envelope(data):
    must(data[:4] == b"\x1f\x8b\x08\x00" and data[4:8] == bytes(4), "the head of the gzip file")
    content = gzip.decompress(data)
    value, end = decode(content)
    must(end == len(content), "bytes behind the value")
    must(encode(value) == content, "not the one way to write it")
    must(set(value) == {"manifest", "resources"}, "other halves")
    for path in value["resources"]:
        parts = path.split("/")
        must(all(p not in ("", ".", "..") for p in parts), f"the path {path}")
    return value["manifest"], value["resources"], content


def dna(index, resources):
    must(set(index) == {"bundle_version", "kind", "name", "file", "dna", "sources", "modules"}, "keys of the index")
    must(index["bundle_version"] == "1" and index["kind"] == "dna", "version and kind")
    core(index["dna"], DNA)
    known = {index["file"]}
    for item in index["sources"]:
        start = item["path"] + "/"
        files = sorted((p[len(start):].encode(), p) for p in resources if p.startswith(start))
        known.update(p for _, p in files)
        tree = encode([[short.decode(), blake(resources[p])] for short, p in files])
        must(core(item["digest"], ENTRY) == blake(tree), f"the digest of {item['path']}")
    for item in index["modules"]:
        must(item["file"] == f"modules/{item['platform']}/lib{item['module']}.so", "the place of a module")
        must(core(item["digest"], ENTRY) == blake(resources[item["file"]]), f"the digest of {item['file']}")
        known.add(item["file"])
    must(known == set(resources), f"files: {sorted(known ^ set(resources))}")
    return sorted(resources)


def read(path):
    with open(path, "rb") as file:
        index, resources, content = envelope(file.read())
    if index.get("kind") == "dna":
        files, hashes = dna(index, resources), [index["dna"]]
    else:
        must(set(index) == {"bundle_version", "kind", "name", "file", "dnas"}, "keys of the index")
        must(index["bundle_version"] == "1" and index["kind"] == "happ", "version and kind")
        known, files, hashes = {index["file"]}, {index["file"]}, []
        for item in index["dnas"]:
            known.add(item["bundle"])
            inner, more, _ = envelope(resources[item["bundle"]])
            files |= {f"{item['root']}/{p}".lstrip("/") for p in dna(inner, more)}
            hashes.append(inner["dna"])
        must(known == set(resources), f"files: {sorted(known ^ set(resources))}")
        files = sorted(files)
    digest = text(ENTRY, blake(content))
    return {"kind": index["kind"], "name": index["name"], "digest": digest, "dnas": hashes, "files": files}


def main():
    status = 0
    for path in sys.argv[1:]:
        try:
            print(json.dumps(read(path)))
        except (Fault, KeyError, IndexError, UnicodeDecodeError, EOFError, OSError, ValueError) as fault:
            print(json.dumps({"fault": f"{type(fault).__name__}: {fault}"}))
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
