#!/usr/bin/env python3
"""The data model a second time, from docs/spec/data-model.md alone: own MessagePack writer, hashlib, nothing else.

Prints one line a value, `name hash hex` (ops: `name hash`; signing domains: `name hex`). GoldenTests compares the lines with
what Swift computes for the same values."""
import base64
import hashlib
import struct

PREFIX = {"agent": 0x20, "entry": 0x21, "op": 0x24, "action": 0x29, "dna": 0x2D, "external": 0x2F}


class Map(list):
    """A map as a list of pairs, in order."""


def pack(value):
    if value is None:
        return b"\xc0"
    if value is True:
        return b"\xc3"
    if value is False:
        return b"\xc2"
    if isinstance(value, int):
        return pack_int(value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        return head(len(data), [(31, lambda n: bytes([0xA0 | n])), (255, ">BB", 0xD9), (65535, ">BH", 0xDA), (2**32 - 1, ">BI", 0xDB)]) + data
    if isinstance(value, bytes):
        return head(len(value), [(255, ">BB", 0xC4), (65535, ">BH", 0xC5), (2**32 - 1, ">BI", 0xC6)]) + value
    if isinstance(value, Map):
        body = b"".join(pack(k) + pack(v) for k, v in value)
        return head(len(value), [(15, lambda n: bytes([0x80 | n])), (65535, ">BH", 0xDE), (2**32 - 1, ">BI", 0xDF)]) + body
    body = b"".join(pack(v) for v in value)
    return head(len(value), [(15, lambda n: bytes([0x90 | n])), (65535, ">BH", 0xDC), (2**32 - 1, ">BI", 0xDD)]) + body


def head(count, forms):
    for most, how, *marker in forms:
        if count <= most:
            return struct.pack(how, marker[0], count) if marker else how(count)
    raise ValueError(count)


def pack_int(value):
    if value >= 0:
        return head(value, [(127, lambda n: bytes([n])), (255, ">BB", 0xCC), (65535, ">BH", 0xCD), (2**32 - 1, ">BI", 0xCE), (2**64 - 1, ">BQ", 0xCF)])
    for least, how, marker in [(-32, ">b", None), (-128, ">Bb", 0xD0), (-(2**15), ">Bh", 0xD1), (-(2**31), ">Bi", 0xD2)]:
        if value >= least:
            return struct.pack(how, value) if marker is None else struct.pack(how, marker, value)
    return struct.pack(">Bq", 0xD3, value)


def blake(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def address(kind, core):
    digest = hashlib.blake2b(core, digest_size=16).digest()
    location = bytes(digest[i] ^ digest[i + 4] ^ digest[i + 8] ^ digest[i + 12] for i in range(4))
    return bytes([0x84, PREFIX[kind], 0x24]) + core + location


def text(raw):
    return "u" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def same(byte):
    return bytes([byte]) * 32


AUTHOR = address("agent", same(1))
DNA = address("dna", same(2))
ENTRY4 = address("entry", same(4))
ACTION5 = address("action", same(5))
EXTERNAL6 = address("external", same(6))
SECRET = bytes(range(64))


def entry_map(kind, content):
    return Map([("entry_type", kind), ("entry", content)])


BAR = entry_map("App", b"\xa3bar")
BAR_HASH = address("entry", blake(pack(BAR)))


def app_type(index, visibility):
    return Map([("App", Map([("entry_index", index), ("zome_index", 0), ("visibility", visibility)]))])


def action(seq, kind, *fields):
    previous = None if seq == 0 else address("action", same(3))
    header = Map([("author", AUTHOR), ("timestamp", 1_700_000_000_000_000 + seq), ("action_seq", seq), ("prev_action", previous)])
    return Map([("header", header), ("data", Map([("type", kind), *fields]))])


PUBLIC = app_type(1, "Public")
ACTIONS = [
    ("Dna", action(0, "Dna", ("dna_hash", DNA)), []),
    ("AgentValidationPkg", action(1, "AgentValidationPkg", ("membrane_proof", None)), []),
    ("AgentValidationPkgProof", action(1, "AgentValidationPkg", ("membrane_proof", bytes([1, 2, 3]))), []),
    ("CreateAgent", action(2, "Create", ("entry_type", "AgentPubKey"), ("entry_hash", address("entry", same(1)))), ["CreateEntry"]),
    ("InitZomesComplete", action(3, "InitZomesComplete"), []),
    ("Create", action(4, "Create", ("entry_type", PUBLIC), ("entry_hash", BAR_HASH)), ["CreateEntry"]),
    ("CreatePrivate", action(5, "Create", ("entry_type", app_type(2, "Private")), ("entry_hash", BAR_HASH)), []),
    ("Update", action(6, "Update", ("original_action_address", ACTION5), ("original_entry_address", ENTRY4), ("entry_type", PUBLIC), ("entry_hash", BAR_HASH)), ["CreateEntry", "UpdateEntry", "UpdateRecord"]),
    ("Delete", action(7, "Delete", ("deletes_address", ACTION5), ("deletes_entry_address", ENTRY4)), ["DeleteRecord", "DeleteEntry"]),
    ("CreateLink", action(8, "CreateLink", ("base_address", ENTRY4), ("target_address", EXTERNAL6), ("zome_index", 0), ("link_type", 200), ("tag", bytes([0, 255]))), ["CreateLink"]),
    ("DeleteLink", action(300, "DeleteLink", ("base_address", ENTRY4), ("link_add_address", ACTION5)), ["DeleteLink"]),
    ("CloseChain", action(70_000, "CloseChain", ("new_target", Map([("Agent", address("agent", same(7)))]))), []),
    ("OpenChain", action(3, "OpenChain", ("prev_target", Map([("Dna", DNA)])), ("close_hash", ACTION5)), []),
]


def grant(tag, access, functions):
    return entry_map("CapGrant", Map([("tag", tag), ("access", access), ("functions", functions)]))


ALL = Map([("type", "all")])
ENTRIES = [
    ("App", BAR),
    ("CounterSign", entry_map("CounterSign", [None, b"\x01"])),
    ("CapClaim", entry_map("CapClaim", Map([("tag", "from a friend"), ("grantor", AUTHOR), ("secret", SECRET)]))),
    ("CapGrantAssigned", grant("friends", Map([("type", "assigned"), ("value", Map([("secret", SECRET), ("assignees", [AUTHOR])]))]), Map([("type", "listed"), ("value", [["messenger", "say"]])]))),
    ("CapGrantUnrestricted", grant("", Map([("type", "unrestricted")]), ALL)),
    ("CapGrantTransferable", grant("t", Map([("type", "transferable"), ("value", Map([("secret", SECRET)]))]), ALL)),
]


def ordered(value):
    """Properties: the pairs of every map sorted by the bytes of their packed keys."""
    if isinstance(value, Map):
        return Map(sorted(((k, ordered(v)) for k, v in value), key=lambda pair: pack(pair[0])))
    return [ordered(v) for v in value] if isinstance(value, list) else value


def field(type, required=True, unique=False, **options):
    return Map([("type", type), ("required", required), ("unique", unique), *options.items()])


def field_set(fields, forbidden, unknown):
    return [("fields", Map(fields)), ("forbidden_fields", forbidden), ("unknown_fields", unknown)]


# docs/spec/rules.md: every type, defaults filled in; `ordered` sorts the maps.
RULES = Map(field_set([
    ("text", field("string", min_length=1, max_length=4000, enum=None)),
    ("state", field("string", False, min_length=0, max_length=None, enum=["open", "closed"])),
    ("slug", field("string", False, True, min_length=0, max_length=None, enum=None)),
    ("stars", field("integer", False, min=-1, max=2**64 - 1, enum=None)),
    ("level", field("integer", False, min=None, max=None, enum=[3, -200])),
    ("price", field("number", False, min=0.0, max=99.5)),
    ("done", field("boolean", False)),
    ("seal", field("bytes", False, min_length=32, max_length=32)),
    ("to", field("agent", False, must_exist=True, of=None)),
    ("about", field("action", False, must_exist=True, of="comment")),
    ("source", field("entry", False, must_exist=False, of=None)),
    ("anywhere", field("hash", False, must_exist=False, of=None)),
    ("tags", field("list", False, min_length=0, max_length=10, items=Map([("type", "string"), ("min_length", 0), ("max_length", 40), ("enum", None)]))),
    ("place", field("map", False, min_length=0, max_length=None, **dict(field_set([("name", field("any"))], ["street"], "forbid")))),
], ["zeta", "author"], "allow") + [("update", "author"), ("delete", "nobody")])


def dna(zomes, rules=Map()):
    def owned(fields, zome):
        return Map(fields + ([("zome", zome)] if len(zomes) > 1 else []))

    def entry_type(name, visibility, most, validations, publishing, zome):
        return owned([("name", name), ("visibility", visibility), ("max_bytes", most), ("required_validations", validations), ("publishing", publishing), ("rules", ordered(rules) if name == "note" else Map())], zome)

    properties = Map([("title", "Post"), ("limit", 300), ("nested", Map([("b", True), ("a", None), ("aa", 1.5)]))])
    link = owned([("name", "inbox"), ("base", "agent"), ("target", "note"), ("create", "anyone"), ("delete", "author")], zomes[0][0])
    integrity = Map([
        ("network_seed", "seed"),
        ("properties", ordered(properties)),
        ("messaging", Map([("floor", "fast")])),
        ("entry_types", [
            entry_type("note", "public", 65_536, 5, ["signed"], zomes[0][0]),
            entry_type("diary", "private", 4_000_000, 5, ["signed"], zomes[-1][0]),
            entry_type("comment", "public", 4_000_000, 3, ["signed", "unsigned"], zomes[0][0]),
        ]),
        ("link_types", [link]),
        ("zomes", [Map([("name", name), ("digest", digest)]) for name, digest in zomes]),
    ])
    return Map([("engine", 1), ("integrity", integrity)])


def signed_action(action):
    return Map([("hashed", Map([("content", action), ("hash", address("action", blake(pack(action))))])), ("signature", SECRET)])


VALIDATOR = address("agent", same(7))
TIME = 1_700_000_000_000_000


def warrant(kind, proof, evidence):
    data = Map([("proof", Map([("ChainIntegrity", Map([(kind, Map(proof))]))])), ("author", VALIDATOR), ("timestamp", TIME), ("warrantee", AUTHOR)])
    return data, Map([("WarrantOp", Map([("data", data), ("signature", SECRET), ("evidence", evidence)]))])


def verdicts():
    """docs/spec/receipts.md: warrants with their evidence, and a receipt."""
    note, other = ACTIONS[5][1], action(4, "InitZomesComplete")
    named = [[address("action", blake(pack(a))), SECRET] for a in (note, other)]
    op = Map([("ChainOp", Map([("CreateEntry", [Map([("data", note), ("signature", SECRET)]), Map([("Present", BAR)])])]))])
    invalid = warrant("InvalidChainOp", [("action_author", AUTHOR), ("action", named[0]), ("chain_op_type", "CreateEntry"), ("reason", "A 'note' is too long.")], Map([("Op", op)]))
    fork = warrant("ChainFork", [("chain_author", AUTHOR), ("action_pair", named), ("seq", 4)], Map([("Actions", [signed_action(note), signed_action(other)])]))
    for name, (data, whole) in [("InvalidChainOp", invalid), ("ChainFork", fork)]:
        print(name, text(address("op", blake(pack(data)))), pack(whole).hex())
    receipt = Map([("dht_op_hash", address("op", blake(pack(Map([("CreateEntry", note)]))))), ("validation_status", "Valid"), ("validator", VALIDATOR), ("when_integrated", TIME)])
    print("Receipt", text(receipt[0][1]), pack(Map([("receipt", receipt), ("signature", SECRET)])).hex())
    print("WarrantSigned -", domain("warrant", [pack(fork[0])]).hex())
    print("ReceiptSigned -", domain("receipt", [pack(receipt)]).hex())


def domain(name, parts):
    return b"plasmid:" + name.encode() + b":v1\0" + b"".join(struct.pack(">I", len(p)) + p for p in parts)


def main():
    for name, value, _ in ACTIONS:
        print(name, text(address("action", blake(pack(value)))), pack(value).hex())
    agent = entry_map("Agent", AUTHOR)
    print("Agent", text(address("entry", same(1))), pack(agent).hex())
    for name, value in ENTRIES:
        print(name, text(address("entry", blake(pack(value)))), pack(value).hex())
    zomes = [("messenger_integrity", same(8)), ("extra", same(9))]
    for count in (1, 2):
        value = pack(dna(zomes[:count]))
        print(f"messenger{count}", text(address("dna", blake(value))), value.hex())
    value = pack(dna(zomes[:1], RULES))
    print("ruled", text(address("dna", blake(value))), value.hex())
    verdicts()
    for name, value, kinds in ACTIONS:
        for kind in ["CreateRecord", "AgentActivity", *kinds]:
            print(f"{name}.{kind}", text(address("op", blake(pack(Map([(kind, value)]))))))
    for name in ["call", "delegation", "receipt", "warrant", "agent-info", "connection", "bootstrap", "mailbox", "certificate", "system-warrant", "module", "app"]:
        print(name, domain(name, [b"\x01\x02", b"", b"\x03"]).hex())


if __name__ == "__main__":
    main()
