#!/usr/bin/env python3
"""Declarative rules of fields a second time, from docs/spec/rules.md §2, §3 and §9 alone: own MessagePack reader, hashlib, nothing else.

Reads lines `rules-hex entry-hex`, prints one line each: `fine`, or the word and the path of the first fault (`-` for the entry as a
whole). Refuses rules that are not in their one form. RuleInteropTests compares the lines with what Swift says of the same values."""
import hashlib
import math
import struct
import sys


class Malformed(Exception):
    pass


class Fault(Exception):
    def __init__(self, word, path=""):
        self.word, self.path = word, path


class Reader:
    """Bytes from front to back. A value is (kind, content); containers give their count and leave the rest to the caller."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Malformed
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def kind(self):
        if self.at >= len(self.data) or self.data[self.at] == 0xC1:
            raise Malformed
        m = self.data[self.at]
        for low, high, kind in [(0, 0x7F, "int"), (0x80, 0x8F, "map"), (0x90, 0x9F, "list"), (0xA0, 0xBF, "str"), (0xC0, 0xC0, "nil"), (0xC2, 0xC3, "bool"), (0xC4, 0xC6, "bin"), (0xC7, 0xC9, "ext"), (0xCA, 0xCB, "float"), (0xCC, 0xD3, "int"), (0xD4, 0xD8, "ext"), (0xD9, 0xDB, "str"), (0xDC, 0xDD, "list"), (0xDE, 0xDF, "map")]:
            if low <= m <= high:
                return kind
        return "int"

    def read(self):
        kind = self.kind()
        m = self.number(1)
        if kind == "int":
            if m < 0x80:
                return m
            if m >= 0xE0:
                return m - 256
            size = 1 << (m & 3)
            value = self.number(size)
            return value - (1 << 8 * size) if m >= 0xD0 and value >> (8 * size - 1) else value
        if kind == "float":
            return struct.unpack(">f", self.take(4))[0] if m == 0xCA else struct.unpack(">d", self.take(8))[0]
        if kind == "nil":
            return None
        if kind == "bool":
            return m == 0xC3
        if kind == "str":
            return self.take(m & 31 if m < 0xC0 else self.number(1 << (m - 0xD9)))
        if kind == "bin":
            return self.take(self.number(1 << (m - 0xC4)))
        if kind == "ext":
            return self.take((1 << (m - 0xD4) if m >= 0xD4 else self.number(1 << (m - 0xC7))) + 1)
        short, first = (0x90, 0xDC) if kind == "list" else (0x80, 0xDE)
        count = m - short if m < 0xC0 else self.number(2 << (m - first))
        if count * (1 if kind == "list" else 2) > len(self.data) - self.at:
            raise Malformed
        return count

    def skip(self, depth, path=""):
        kind = self.kind()
        count = self.read()
        if kind in ("list", "map"):
            if depth == 0:
                raise Fault("tooDeep", path)
            for _ in range(count if kind == "list" else 2 * count):
                self.skip(depth - 1, path)

    def tree(self):
        kind = self.kind()
        value = self.read()
        if kind == "str":
            return value.decode()
        if kind == "list":
            return [self.tree() for _ in range(value)]
        if kind == "map":
            pairs, keys = [], []
            for _ in range(value):
                start = self.at
                name = self.tree()
                keys.append(self.data[start:self.at])
                pairs.append((name, self.tree()))
            if keys != sorted(keys):
                raise ValueError("a map of the rules is not sorted")
            return dict(pairs)
        return value


KINDS = {"string": ["str"], "integer": ["int"], "number": ["int", "float"], "boolean": ["bool"], "bytes": ["bin"], "list": ["list"], "map": ["map"]}
PREFIXES = {"agent": [0x20], "action": [0x29], "entry": [0x21], "external": [0x2F], "dna": [0x2D], "hash": [0x29, 0x21, 0x2F]}


def is_address(data, kind):
    if len(data) != 39 or data[0] != 0x84 or data[2] != 0x24 or data[1] not in PREFIXES[kind]:
        return False
    words = struct.unpack("<4I", hashlib.blake2b(data[3:35], digest_size=16).digest())
    return struct.unpack("<I", data[35:])[0] == words[0] ^ words[1] ^ words[2] ^ words[3]


def check_length(count, rule, path):
    if count < rule["min_length"]:
        raise Fault("tooShort", path)
    if rule["max_length"] is not None and count > rule["max_length"]:
        raise Fault("tooLong", path)


def check_range(value, rule, path):
    if rule["min"] is not None and value < rule["min"]:
        raise Fault("tooSmall", path)
    if rule["max"] is not None and value > rule["max"]:
        raise Fault("tooLarge", path)


def check_choice(value, rule, path):
    if rule["enum"] is not None and value not in rule["enum"]:
        raise Fault("notOneOf", path)


def check_value(r, rule, path, depth):
    kind = rule["type"]
    if kind == "any":
        return r.skip(depth, path)
    if r.kind() not in KINDS.get(kind, ["bin"]):
        raise Fault("wrongType", path)
    if kind in ("list", "map") and depth == 0:
        raise Fault("tooDeep", path)
    value = r.read()
    if kind == "string":
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise Fault("notText", path)
        check_length(len(value), rule, path)
        check_choice(text, rule, path)
    elif kind == "integer":
        check_range(value, rule, path)
        check_choice(value, rule, path)
    elif kind == "number":
        value = float(value)
        if not math.isfinite(value):
            raise Fault("notFinite", path)
        check_range(value, rule, path)
    elif kind == "bytes":
        check_length(len(value), rule, path)
    elif kind in PREFIXES:
        if not is_address(value, kind):
            raise Fault("badAddress", path)
    elif kind == "list":
        check_length(value, rule, path)
        for index in range(value):
            check_value(r, rule["items"], f"{path}[{index}]", depth - 1)
    elif kind == "map":
        check_length(value, rule, path)
        check_map(r, value, rule, path, depth)


def check_map(r, count, rule, path, depth):
    """`depth` containers may nest here, this map among them; its header has been read."""
    fields, seen = rule["fields"], set()
    for _ in range(count):
        if r.kind() != "str":
            raise Fault("keyNotText", path)
        raw = r.read()
        try:
            name = raw.decode()
        except UnicodeDecodeError:
            name = None
        here = f"{path}.{name}" if path else name
        if name in fields:
            if name in seen:
                raise Fault("repeatedField", here)
            seen.add(name)
            if r.kind() != "nil":
                check_value(r, fields[name], here, depth - 1)
            elif fields[name]["required"]:
                raise Fault("missingField", here)
            else:
                r.read()
        elif name in rule["forbidden_fields"]:
            raise Fault("forbiddenField", here)
        elif rule["unknown_fields"] == "forbid":
            raise Fault("unknownField", f"{path}.?" if path else "?")
        else:
            r.skip(depth - 1, path)
    for name, field in fields.items():
        if field["required"] and name not in seen:
            raise Fault("missingField", f"{path}.{name}" if path else name)


def judge(rules, entry):
    r = Reader(entry)
    try:
        if r.kind() != "map":
            r.skip(64)
            if r.at < len(entry):
                raise Malformed
            raise Fault("notAMap")
        check_map(r, r.read(), rules, "", 64)
        if r.at < len(entry):
            raise Malformed
    except Malformed:
        return "malformed"
    except Fault as fault:
        # Where damage was found is not told by the page.
        return fault.word if fault.word == "tooDeep" else f"{fault.word} {fault.path or '-'}"
    return "fine"


def main():
    for line in sys.stdin:
        rules, entry = (bytes.fromhex(part) for part in line.rstrip("\n").split(" "))
        tree = Reader(rules).tree() or {"fields": {}, "forbidden_fields": [], "unknown_fields": "allow", "update": "anyone", "delete": "anyone"}
        print(judge(tree, entry))


if __name__ == "__main__":
    main()
