#!/usr/bin/env python3
"""Makes the golden addresses of DNA files of 2019, with nothing of Plasmid: hashlib, json and base64 only.

    Tests/Interop/dna_2019.py FILE.dna.json…     prints `name<TAB>address`, one line for each file

The DNA is written out as the conductors of 2019 did (serde_json of the structs of holochain-rust 0.0.52, crates/core_types/
src/dna): compact, struct fields in their order, unknown ones dropped, defaults filled in, maps sorted by key, `properties` as
they stand. Its address is the base58 of the SHA2-256 multihash.
"""
import base64, hashlib, json, sys


def link(end):
    return lambda v: {end: v.get(end, ""), "link_type": v.get("link_type", "")}


def param(v):
    return {"type": v["type"], "name": v["name"]}


def function(v):
    return {"name": v.get("name", ""), "inputs": [param(p) for p in v["inputs"]],
            "outputs": [param(p) for p in v["outputs"]]}


def by_name(items, make):
    return {key: make(items[key]) for key in sorted(items, key=lambda k: k.encode())}


def entry_type(v):
    return {"properties": v.get("properties", "{}"), "sharing": v.get("sharing", "public"),
            "links_to": [link("target_type")(x) for x in v.get("links_to", [])],
            "linked_from": [link("base_type")(x) for x in v.get("linked_from", [])]}


def bridge(v):
    given = v["reference"]
    if "dna_address" in given:
        reference = {"dna_address": given["dna_address"]}
    else:
        reference = {"traits": by_name(given["traits"],
                                       lambda t: {"functions": [function(f) for f in t.get("functions", [])]})}
    return {"presence": v["presence"], "handle": v["handle"], "reference": reference}


def zome(v):
    return {"description": v.get("description", ""), "config": {},
            "entry_types": by_name(v.get("entry_types", {}), entry_type),
            "traits": by_name(v.get("traits", {}), lambda t: {"functions": t.get("functions", [])}),
            "fn_declarations": [function(f) for f in v.get("fn_declarations", [])],
            "code": {"code": base64.b64encode(base64.b64decode(v["code"]["code"])).decode()},
            "bridges": [bridge(b) for b in v.get("bridges", [])]}


def dna(v):
    return {"name": v.get("name", ""), "description": v.get("description", ""), "version": v.get("version", ""),
            "uuid": v.get("uuid", "00000000-0000-0000-0000-000000000000"),
            "dna_spec_version": v.get("dna_spec_version", ""), "properties": v.get("properties", {}),
            "zomes": by_name(v.get("zomes", {}), zome)}


def base58(data):
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number, out = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        out = alphabet[digit] + out
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + out


def address(text):
    compact = json.dumps(dna(json.loads(text)), ensure_ascii=False, separators=(",", ":")).encode()
    return base58(b"\x12\x20" + hashlib.sha256(compact).digest())


if __name__ == "__main__":
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            print(f"{path.rsplit('/', 1)[-1]}\t{address(file.read())}")
