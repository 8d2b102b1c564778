"""docs/spec/discovery.md a second time, from the page alone: meeting places, sealed records, messages of bootstrap servers; and
the signed peer records of docs/spec/transport.md §7, which members seal."""
import hashlib
import random
import struct

from primitives import blake, public, sign, xchacha20poly1305

SIZES = (512, 1_024, 2_048)


def place(key, epoch):
    """What a member derives for an epoch: its name, the key that seals under it, and the key in Kad."""
    number = struct.pack(">Q", epoch)
    name = blake(number, blake(b"plasmid rendezvous name 1", key))
    return name, blake(number, blake(b"plasmid rendezvous seal 1", key)), b"\x12\x20" + hashlib.sha256(name).digest()


def slot(secret, name):
    return blake(b"plasmid rendezvous slot 1" + name, secret)


def plain(record, size=None):
    size = size or next(s for s in SIZES if s >= 42 + len(record))
    return struct.pack(">H", len(record)) + record + bytes(size - 42 - len(record))


def sealed(key, epoch, nonce, inner):
    name, seal, _ = place(key, epoch)
    return nonce + xchacha20poly1305(seal, nonce, inner, name)


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def framed(message):
    return varint(len(message)) + message


def put(name, slot, seconds, record):
    return b"\x01" + name + slot + struct.pack(">I", seconds) + record


def get(name, most):
    return b"\x02" + name + bytes([most])


KEPT = b"\x01"


def records(found):
    return b"\x02" + bytes([len(found)]) + b"".join(struct.pack(">H", len(r)) + r for r in found)


def refused(why):
    return b"\x03" + bytes([why])


def field(number, content):
    """Of a protobuf message: bytes, or an unsigned number."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + framed(content)


def public_key(seed):
    return bytes.fromhex("08011220") + public(seed)


def peer_id(seed):
    return b"\x00\x24" + public_key(seed)


def peer_record(peer, sequence, addresses):
    return field(1, peer) + field(2, sequence) + b"".join(field(3, field(1, a)) for a in addresses)


def envelope(seed, payload, domain=b"libp2p-peer-record", kind=b"\x03\x01"):
    signature = sign(seed, framed(domain) + framed(kind) + framed(payload))
    return field(1, public_key(seed)) + field(2, kind) + field(3, payload) + field(5, signature)


# What follows makes the examples.

def peers():
    dice = random.Random("peers")
    seed, other = dice.randbytes(32), dice.randbytes(32)
    direct = bytes.fromhex("04c6336409060fa1")
    relayed = direct + b"\xa5\x03" + framed(peer_id(other)) + b"\xa2\x02"

    def case(word, why, made, addresses=(direct,), sequence=1_790_000_000_000_000):
        return "peer", dict(verdict=word, why=why, seed=seed, sequence=sequence, addresses=len(addresses), **{f"address{i}": a for i, a in enumerate(addresses)}, bytes=made)

    for why, addresses, sequence in [("plain", (direct,), 1_790_000_000_000_000), ("relayed", (direct, relayed), 2**63 - 1), ("eight", (direct,) * 7 + (relayed,), 1), ("nowhere", (), 0)]:
        yield case("yes", why, envelope(seed, peer_record(peer_id(seed), sequence, addresses)), addresses, sequence)
    payload = peer_record(peer_id(seed), 1, (direct,))
    fine = envelope(seed, payload)
    yield case("no", "of-another-peer", envelope(seed, peer_record(peer_id(other), 1, (direct,))))
    yield case("no", "another-signed", field(1, public_key(seed)) + envelope(other, payload)[len(field(1, public_key(seed))):])
    yield case("no", "another-domain", envelope(seed, payload, domain=b"libp2p-relay-rsvp"))
    yield case("no", "another-type", envelope(seed, payload, kind=b"\x03\x02"))
    yield case("no", "signature-altered", fine[:-1] + bytes([fine[-1] ^ 1]))
    yield case("no", "signature-missing", fine[:-66])
    yield case("no", "cut", fine[:-1])
    yield case("no", "nothing", b"")


def lines():
    yield from peers()
    dice = random.Random("discovery")
    for micros, hour in [(-7_200_000_000, 0), (0, 0), (3_600_000_000 - 1, 0), (3_600_000_000, 1), (1_790_000_000_000_000, 497_222)]:
        yield "epoch", dict(time=micros, epoch=hour)
    for _ in range(6):
        key, epoch, secret = dice.randbytes(32), dice.getrandbits(20), dice.randbytes(32)
        name, seal, provider = place(key, epoch)
        yield "place", dict(key=key, epoch=epoch, name=name, seal=seal, provider=provider, secret=secret, slot=slot(secret, name))
    key, epoch = dice.randbytes(32), 497_222

    def seal(word, why, inner, at=epoch, by=key, told=b"", alter=lambda s: s):
        nonce = dice.randbytes(24)
        return "sealed", dict(verdict=word, why=why, key=key, epoch=epoch, nonce=nonce, record=told, bytes=alter(sealed(by, at, nonce, inner)))

    for length in (0, 1, 469, 470, 471, 981, 982, 983, 2_006):
        told = dice.randbytes(length)
        yield seal("yes", f"of-{length}", plain(told), told=told)
    told = dice.randbytes(100)
    yield seal("no", "another-hour", plain(told), at=epoch + 1)
    yield seal("no", "another-space", plain(told), by=dice.randbytes(32))
    yield seal("no", "padding-not-zero", plain(told)[:-1] + b"\x01")
    yield seal("no", "length-beyond", struct.pack(">H", 469) + bytes(468))
    yield seal("no", "length-of-all-ones", b"\xff\xff" + bytes(468))
    yield seal("yes", "larger-than-needed", plain(told, 1_024), told=told)
    yield seal("no", "of-513", plain(told, 513))
    yield seal("no", "nonce-altered", plain(told), alter=lambda s: bytes([s[0] ^ 1]) + s[1:])
    yield seal("no", "tag-altered", plain(told), alter=lambda s: s[:-1] + bytes([s[-1] ^ 1]))
    yield seal("no", "cut", plain(told), alter=lambda s: s[:-1])
    yield seal("no", "nothing", plain(told), alter=lambda s: b"")

    name, slot_, small, large = dice.randbytes(32), dice.randbytes(32), b"\x05" * 512, b"\x06" * 2_048
    for word, why, message in [
        ("yes", "put", put(name, slot_, 3_600, small)), ("yes", "put-least", put(name, slot_, 1, b"\x07" * 1_024)), ("yes", "put-large", put(name, slot_, 60, large)),
        ("no", "put-no-time", put(name, slot_, 0, small)), ("no", "put-too-long", put(name, slot_, 3_601, small)), ("no", "put-of-511", put(name, slot_, 1, small[:-1])),
        ("no", "put-of-none", put(name, slot_, 1, b"")), ("no", "put-more", put(name, slot_, 1, large + b"\x00")),
        ("yes", "get", get(name, 32)), ("yes", "get-one", get(name, 1)), ("no", "get-none", get(name, 0)), ("no", "get-33", get(name, 33)), ("no", "get-more", get(name, 1) + b"\x00"),
        ("no", "get-cut", get(name, 1)[:-1]), ("no", "empty", b""), ("no", "unknown", b"\x03" + name), ("no", "zero", b"\x00"),
    ]:
        yield "request", dict(verdict=word, why=why, bytes=message, framed=framed(message))
    for word, why, message in [
        ("yes", "kept", KEPT), ("no", "kept-more", KEPT + b"\x00"), ("yes", "no-records", records([])), ("yes", "two-records", records([small, large])),
        ("yes", "32-records", records([small] * 32)), ("no", "33-records", records([small] * 33)), ("no", "record-of-513", records([small + b"\x00"])),
        ("no", "records-cut", records([small])[:-1]), ("no", "records-more", records([small]) + b"\x00"), ("no", "records-miscounted", b"\x02\x02" + records([small])[2:]),
        ("yes", "malformed", refused(1)), ("yes", "too-often", refused(2)), ("yes", "full", refused(3)), ("no", "refused-0", refused(0)), ("no", "refused-4", refused(4)),
        ("no", "refused-bare", b"\x03"), ("no", "refused-more", refused(1) + b"\x00"), ("no", "empty", b""), ("no", "unknown", b"\x04"),
    ]:
        yield "reply", dict(verdict=word, why=why, bytes=message, framed=framed(message))
