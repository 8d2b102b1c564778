"""docs/spec/space.md a second time, from the page alone: keys, hints, membership, records of agents, proofs, frames.

`python3 Tests/Interop/vectors.py` writes what this makes; see there for the lines."""
import random
import struct

from data_model import Map, address, domain, pack
from primitives import blake, kdf, point_of_ed25519, public, secret_of_ed25519, sign, x25519

MICROS = 1_000_000
MINUTE = 60 * MICROS
HOUR = 60 * MINUTE
NOW = 1_800_000_000_000_000


def keys(dna):
    root = blake(b"plasmid space v1", dna)
    return {name: blake(name.encode(), root) for name in ("hint", "member", "agent", "rendezvous")}


def hint(dna, ephemeral):
    return blake(ephemeral, keys(dna)["hint"])[:16]


def network_seed(master, dna):
    return blake(dna, kdf(master, b"PlsmNetw", 1))


def member_proof(dna, role, handshake):
    return blake(b"member\0" + role.encode() + b"\0" + handshake, keys(dna)["member"])


def with_proof(noise, place, proof):
    return noise[:32 * place] + proof + noise[32 * place + 32:]


def peer_id(key):
    return bytes.fromhex("002408011220") + key


def info(agent, peer, addresses, start=0, length=2**32, created=NOW, expires=NOW + 20 * MINUTE, tombstone=False):
    return Map([("agent", agent), ("peer", peer), ("addresses", addresses), ("arc_start", start), ("arc_length", length),
                ("created_at", created), ("expires_at", expires), ("tombstone", tombstone)])


def record(seed, dna, said):
    return [said, sign(seed, domain("agent-info", [dna, said]))]


def agent_proof(dna, role, handshake, agent_seed, other):
    """As the prover makes it: its agent's seed, and the other side's libp2p key."""
    shared = x25519(secret_of_ed25519(agent_seed), point_of_ed25519(other))
    return blake(b"plasmid agent proof v1\0" + role.encode() + b"\0" + keys(dna)["agent"] + handshake + public(agent_seed) + other, shared)


def agent_proof_checked(dna, role, handshake, agent, own_seed):
    """As the other side makes it: the agent's key, and its own libp2p seed."""
    shared = x25519(secret_of_ed25519(own_seed), point_of_ed25519(agent))
    return blake(b"plasmid agent proof v1\0" + role.encode() + b"\0" + keys(dna)["agent"] + handshake + agent + public(own_seed), shared)


OP_TYPES = ["CreateRecord", "CreateEntry", "AgentActivity", "UpdateEntry", "UpdateRecord", "DeleteEntry", "DeleteRecord", "CreateLink", "DeleteLink"]


def frame(kind, number, body):
    return struct.pack(">IBI", 5 + len(body), kind, number) + body


# What follows makes the examples.

def flipped(data, at=-1):
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data)


def agents_of(dice, dna):
    seed = dice.randbytes(32)
    agent = address("agent", public(seed))
    peer = peer_id(public(dice.randbytes(32)))
    tcp = bytes.fromhex("047f000001060fa1")
    far = NOW + 20 * MINUTE

    def case(word, why, said, by=seed, of=dna, now=NOW, signature=None):
        """`said` is packed, or bytes as they are."""
        said = said if isinstance(said, bytes) else pack(said)
        made = record(by, of, said)
        if signature is not None:
            made[1] = signature(made[1])
        return ("record", dict(verdict=word, why=why, dna=dna, now=now, message=domain("agent-info", [of, said]), record=pack(made)))

    plain = info(agent, peer, [tcp])
    yes, no = "yes", "no"
    yield case(yes, "plain", plain)
    yield case(yes, "part-of-the-ring", info(agent, peer, [tcp, tcp + b"\xdd\x03"], 2**32 - 1, 77))
    yield case(yes, "empty-arc", info(agent, peer, [tcp], 5, 0))
    yield case(yes, "no-address", info(agent, peer, []))
    yield case(yes, "tombstone", info(agent, peer, [], 0, 0, tombstone=True))
    yield case(yes, "ten-addresses", info(agent, peer, [tcp] * 10))
    yield case(no, "eleven-addresses", info(agent, peer, [tcp] * 11))
    yield case(yes, "address-of-256", info(agent, peer, [bytes(256)]))
    yield case(no, "address-of-257", info(agent, peer, [bytes(257)]))
    yield case(yes, "peer-of-64", info(agent, bytes(64), [tcp]))
    yield case(no, "peer-of-65", info(agent, bytes(65), [tcp]))
    yield case(no, "arc-of-more-than-all", info(agent, peer, [tcp], 0, 2**32 + 1))
    yield case(no, "arc-from-beyond-the-ring", info(agent, peer, [tcp], 2**32, 1))
    yield case(yes, "holds-30-minutes", info(agent, peer, [tcp], expires=NOW + 30 * MINUTE))
    yield case(no, "holds-longer", info(agent, peer, [tcp], expires=NOW + 30 * MINUTE + 1))
    yield case(yes, "begins-in-an-hour", plain, now=NOW - HOUR)
    yield case(no, "begins-later", plain, now=NOW - HOUR - 1)
    yield case(yes, "ended-an-hour-ago", plain, now=far + HOUR)
    yield case(no, "ended-before", plain, now=far + HOUR + 1)
    yield case(no, "ends-before-it-begins", info(agent, peer, [tcp], expires=NOW - 1))
    yield case(no, "ends-when-it-begins", info(agent, peer, [tcp], expires=NOW))
    yield case(no, "location-of-another-key", info(flipped(agent), peer, [tcp]))
    yield case(no, "another-agent-signed", plain, by=dice.randbytes(32))
    yield case(no, "of-another-dna", plain, of=address("dna", dice.randbytes(32)))
    yield case(no, "signature-altered", plain, signature=flipped)
    yield case(no, "signature-of-63", plain, signature=lambda s: s[:63])
    yield case(no, "field-missing", Map(plain[:-1]))
    yield case(yes, "field-more", Map(plain + [("more", 1)]))
    yield case(yes, "other-order", Map(list(reversed(plain))))
    yield case(yes, "more-to-4096", Map(plain + [("more", bytes(4_096 - len(pack(plain)) - 8))]))
    yield case(no, "more-than-4096", Map(plain + [("more", bytes(4_096 - len(pack(plain)) - 7))]))
    yield case(no, "bytes-behind-the-map", pack(plain) + b"\xc0")
    yield case(no, "not-an-agents-key", info(address("entry", public(seed)), peer, [tcp]))


def bodies(dice):
    """(kind, verdict, why, body), the frames' bodies of §6 whose form the page fixes."""
    dna = address("dna", dice.randbytes(32))
    seed = dice.randbytes(32)
    a, b = address("agent", public(seed)), address("agent", dice.randbytes(32))
    action, entry, op = (address(k, dice.randbytes(32)) for k in ("action", "entry", "op"))
    signed = record(seed, dna, pack(info(a, peer_id(dice.randbytes(32)), [])))
    claim = Map([("dna", dna), ("grantor", a), ("parent", dice.randbytes(32)), ("from", a), ("to", b), ("functions", [["z", "f"]]), ("expires_at", NOW), ("uses", 3), ("salt", dice.randbytes(16)), ("signature", dice.randbytes(64))])
    receipt = Map([("receipt", Map([("dht_op_hash", op), ("validation_status", "Valid"), ("validator", b), ("when_integrated", NOW)])), ("signature", dice.randbytes(64))])
    unpacked_open = [0, 1, dice.randbytes(16), 6, [0, 2**32 - 1], [0, 2**32 - 1], b"\x01" + bytes(8)]
    return [
        (1, "yes", "none", []), (1, "yes", "one", [signed]), (1, "yes", "256", [signed] * 256), (1, "no", "not-an-array", signed[0]),
        (2, "yes", "plain", [b, dice.randbytes(32)]), (2, "no", "location-of-another-key", [flipped(b), bytes(32)]), (2, "no", "31-bytes", [b, bytes(31)]), (2, "no", "no-agent", [entry, bytes(32)]), (2, "no", "three", [b, bytes(32), None]),
        (3, "yes", "plain", [a, b, "zome", b"\x93\x01\x02\x03"]), (3, "yes", "nothing-said", [a, b, "zome", b""]), (3, "no", "three", [a, b, "zome"]), (3, "no", "text", [a, b, "zome", "x"]),
        (3, "yes", "a-mebibyte", [a, b, "z", bytes(2**20)]),
        (4, "yes", "plain", [a, b, "zome", "function", b"\xc0", None, []]), (4, "yes", "secret", [a, b, "zome", "function", b"\xc0", dice.randbytes(64), []]),
        (4, "yes", "certificate", [a, b, "zome", "function", b"\xc0", dice.randbytes(64), [claim]]), (4, "yes", "8-certificates", [a, b, "zome", "function", b"\xc0", bytes(64), [claim] * 8]), (4, "no", "9-certificates", [a, b, "zome", "function", b"\xc0", bytes(64), [claim] * 9]), (4, "no", "secret-of-63", [a, b, "zome", "function", b"\xc0", bytes(63), []]),
        (5, "yes", "named", [a, b, "zome", "name", b"\x01"]), (5, "yes", "plain", [a, b, "zome", None, b"\x01"]), (5, "no", "from-an-entry", [entry, b, "zome", None, b"\x01"]),
        (6, "yes", "one", [receipt]), (6, "yes", "none", []),
        (7, "yes", "action-and-entry", [action, entry]), (7, "yes", "256", [action] * 256), (7, "no", "257", [action] * 257), (7, "no", "an-ops-hash", [op]),
        (8, "yes", "all", [entry, b"", 0]), (8, "yes", "links", [entry, bytes([8, 9]), 256]), (8, "yes", "16-types", [action, bytes(range(1, 10)) + bytes(7), 2**32 - 1]),
        (8, "no", "17-types", [entry, bytes(17), 0]), (8, "no", "skips-too-many", [entry, b"", 2**32]), (8, "no", "an-agents-key", [b, b"", 0]), (8, "no", "an-ops-hash", [op, b"", 0]),
        (17, "yes", "open", [1, unpacked_open]), (17, "yes", "turn", [2**32 - 1, [1, 6, 1, b""]]), (17, "yes", "close", [3, [2, 0, "later"]]), (17, "no", "as-bytes", [1, pack([1, 6, 1, b""])]),
        (16, "yes", "receipts", [True, [b"\x81\xa7"]]), (16, "yes", "none", [False, []]), (16, "yes", "256", [False, [b"\xc0"] * 256]), (16, "no", "257", [False, [b"\xc0"] * 257]), (16, "no", "not-bin", [False, [None]]),
        (18, "yes", "one", [op]), (18, "yes", "4096", [op] * 4_096), (18, "no", "4097", [op] * 4_097), (18, "no", "an-actions-hash", [action]),
        (65, "yes", "plain", ["overloaded", "Too much is asked for."]), (65, "yes", "the-longest", ["a" * 64, "b" * 1_024]), (65, "no", "bare", "overloaded"),
    ]


def lines():
    dice = random.Random("space")
    for _ in range(8):
        dna, e, h, master = address("dna", dice.randbytes(32)), dice.randbytes(32), dice.randbytes(32), dice.randbytes(32)
        yield "keys", dict(dna=dna, **keys(dna))
        yield "hint", dict(dna=dna, ephemeral=e, hint=hint(dna, e))
        seed = network_seed(master, dna)
        yield "identity", dict(master=master, dna=dna, seed=seed, public=public(seed), peer=peer_id(public(seed)))
        noise, place = dice.randbytes(256), dice.randrange(8)
        initiator, responder = (with_proof(noise, place, member_proof(dna, r, h)) for r in ("initiator", "responder"))
        yield "member", dict(dna=dna, handshake=h, noise=noise, place=place, offer=initiator, answer=responder)
        agent_seed, other_seed = dice.randbytes(32), dice.randbytes(32)
        for role in ("initiator", "responder"):
            mac = agent_proof(dna, role, h, agent_seed, public(other_seed))
            assert mac == agent_proof_checked(dna, role, h, public(agent_seed), other_seed)
            yield "prove", dict(dna=dna, handshake=h, role=role, agent_seed=agent_seed, other_seed=other_seed, mac=mac)
        kind, number, body = dice.choice([1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 18, 64, 65]), dice.getrandbits(32), dice.randbytes(dice.randint(1, 40))
        yield "frame", dict(kind=kind, id=number, body=body, bytes=frame(kind, number, body))
    yield from agents_of(dice, address("dna", dice.randbytes(32)))
    for word, why, raw in [
        ("yes", "least", frame(64, 1, b"\xc0")), ("no", "no-body", frame(64, 1, b"")), ("yes", "most", frame(64, 1, bytes(4 * 2**20))),
        ("no", "too-long", struct.pack(">I", 4 * 2**20 + 6)), ("no", "length-zero", bytes(4)), ("no", "length-of-all-ones", b"\xff" * 4),
    ] + [("no", f"kind-{k}", frame(k, 0, b"\xc0")) for k in (0, 9, 15, 19, 63, 66, 255)]:
        yield "stream", dict(verdict=word, why=why, bytes=raw)
    for code, read in [("overloaded", "overloaded"), ("a" * 64, "a" * 64), ("a" * 65, "badFrame"), ("two words", "badFrame"), ("", "badFrame"), ("code1", "badFrame")]:
        yield "refusal", dict(bytes=pack([code, "b" * 1_025]), code=read, message=b"b" * 1_024)
    for code, name in enumerate(OP_TYPES, 1):
        yield "optype", dict(name=name, code=code)
    for kind, word, why, body in bodies(dice):
        yield "body", dict(kind=kind, verdict=word, why=why, bytes=pack(body))
