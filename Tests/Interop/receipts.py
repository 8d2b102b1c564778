"""docs/spec/receipts.md a second time, from the page alone: op hashes and places, receipts and warrants with true signatures.

data_model.py makes the golden ones; these are signed, so that who reads them can also judge."""
import random

from data_model import BAR, Map, action, address, app_type, blake, domain, pack
from primitives import public, sign
from space import NOW


def op_hash(kind, chain_action):
    return address("op", blake(pack(Map([(kind, chain_action)]))))


def location(basis):
    """Of whatever is kept by the holders of an address."""
    return int.from_bytes(basis[35:], "little")


def receipt(op, status, validator, when):
    return Map([("dht_op_hash", op), ("validation_status", status), ("validator", validator), ("when_integrated", when)])


def signed_receipt(seed, said):
    return Map([("receipt", said), ("signature", sign(seed, domain("receipt", [pack(said)])))])


def warrant(kind, proof, author, when, warrantee):
    return Map([("proof", Map([("ChainIntegrity", Map([(kind, Map(proof))]))])), ("author", author), ("timestamp", when), ("warrantee", warrantee)])


def signed_warrant(seed, said, evidence):
    return Map([("data", said), ("signature", sign(seed, domain("warrant", [pack(said)]))), ("evidence", evidence)])


# What follows makes the examples.

def signed(seed, content):
    return Map([("hashed", Map([("content", content), ("hash", address("action", blake(pack(content))))])), ("signature", sign(seed, pack(content)))])


def lines():
    dice = random.Random("receipts")
    seed, bad = dice.randbytes(32), dice.randbytes(32)
    judge, author = address("agent", public(seed)), address("agent", public(bad))
    for status, word in [("Valid", "yes"), ("Rejected", "yes"), ("Abandoned", "no"), ("valid", "no"), ("", "no")]:
        said = receipt(address("op", dice.randbytes(32)), status, judge, NOW)
        yield "receipt", dict(verdict=word, holds="yes", status=status or "none", message=domain("receipt", [pack(said)]), bytes=pack(signed_receipt(seed, said)))
    said = receipt(address("op", dice.randbytes(32)), "Valid", judge, -1)
    yield "receipt", dict(verdict="yes", holds="yes", status="before-1970", message=domain("receipt", [pack(said)]), bytes=pack(signed_receipt(seed, said)))
    yield "receipt", dict(verdict="yes", holds="no", status="another-signed", message=domain("receipt", [pack(said)]), bytes=pack(signed_receipt(bad, said)))
    for why, wrong in [("of-an-action", [("dht_op_hash", address("action", bytes(32)))]), ("by-an-entry", [("validator", address("entry", bytes(32)))])]:
        wrong = Map([dict(wrong).get(k) and (k, dict(wrong)[k]) or (k, v) for k, v in said])
        yield "receipt", dict(verdict="no", holds="no", status=why, message=domain("receipt", [pack(wrong)]), bytes=pack(signed_receipt(seed, wrong)))

    def by(content):
        content[0] = ("header", Map([("author", author) if k == "author" else (k, v) for k, v in content[0][1]]))
        return content

    note = by(action(4, "Create", ("entry_type", app_type(1, "Public")), ("entry_hash", address("entry", blake(pack(BAR))))))
    other = by(action(4, "InitZomesComplete"))
    taken = by(action(5, "Delete", ("deletes_address", address("action", dice.randbytes(32))), ("deletes_entry_address", address("entry", dice.randbytes(32)))))
    linked = by(action(6, "CreateLink", ("base_address", address("external", dice.randbytes(32))), ("target_address", address("entry", dice.randbytes(32))), ("zome_index", 0), ("link_type", 3), ("tag", b"\x00\xff")))
    named = [[address("action", blake(pack(a))), sign(bad, pack(a))] for a in (note, other)]
    evidence = Map([("Op", Map([("ChainOp", Map([("CreateEntry", [Map([("data", note), ("signature", sign(bad, pack(note)))]), Map([("Present", BAR)])])]))]))])
    basis = address("entry", blake(pack(BAR)))
    yield "op", dict(hash=op_hash("CreateEntry", note), basis=basis, location=location(basis), bytes=pack(evidence[0][1]))
    for kind, content, base in [("AgentActivity", note, author), ("CreateRecord", other, named[1][0]), ("DeleteRecord", taken, taken[1][1][1][1]), ("DeleteEntry", taken, taken[1][1][2][1]), ("CreateLink", linked, linked[1][1][1][1])]:
        held = Map([("data", content), ("signature", sign(bad, pack(content)))])
        held = [held, "ActionOnly"] if kind == "CreateRecord" else held
        yield "op", dict(hash=op_hash(kind, content), basis=base, location=location(base), bytes=pack(Map([("ChainOp", Map([(kind, held)]))])))
    actions = Map([("Actions", [signed(bad, note), signed(bad, other)])])

    def line(word, holds, why, kind, proof, shown, by=seed, more=()):
        said = warrant(kind, proof, judge, NOW, author)
        whole = Map(list(signed_warrant(by, said, shown)) + list(more))
        return "warrant", dict(verdict=word, holds=holds, why=why, message=domain("warrant", [pack(said)]), hash=address("op", blake(pack(said))), basis=author, bytes=pack(Map([("WarrantOp", whole)])))

    def invalid(reason="A rule."):
        return [("action_author", author), ("action", named[0]), ("chain_op_type", "CreateEntry"), ("reason", reason)]

    def fork(seq=4, pair=named):
        return [("chain_author", author), ("action_pair", pair), ("seq", seq)]

    yield line("yes", "yes", "invalid", "InvalidChainOp", invalid(), evidence)
    yield line("yes", "yes", "reason-of-512", "InvalidChainOp", invalid("r" * 512), evidence)
    yield line("yes", "yes", "fork", "ChainFork", fork(), actions)
    yield line("yes", "no", "another-signed", "ChainFork", fork(), actions, by=bad)
    yield line("no", "yes", "one-of-a-pair", "ChainFork", fork(pair=named[:1]), actions)
    yield line("no", "yes", "three-of-a-pair", "ChainFork", fork(pair=named + named[:1]), actions)
    yield line("no", "yes", "seq-beyond-32-bits", "ChainFork", fork(seq=2**32), actions)
    yield line("no", "yes", "unknown-proof", "Other", fork(), actions)
    yield line("no", "yes", "unknown-type", "InvalidChainOp", [("chain_op_type", "Nothing") if k == "chain_op_type" else (k, v) for k, v in invalid()], evidence)
    yield line("no", "yes", "unknown-evidence", "ChainFork", fork(), Map([("Words", "x")]))
    yield line("no", "yes", "evidence-of-one", "ChainFork", fork(), Map([("Actions", [signed(bad, note)])]))
