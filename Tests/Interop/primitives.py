"""What the network's pages take from elsewhere, of Python's own library alone: Ed25519 (RFC 8032), X25519 (RFC 7748),
XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), SipHash-2-4, libsodium's crypto_kdf. For tests: slow, and not constant in time."""
import hashlib
import struct

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def blake(message, key=b"", size=32):
    return hashlib.blake2b(message, key=key, digest_size=size).digest()


def kdf(master, context, number):
    """crypto_kdf_derive_from_key, 32 bytes of output."""
    return hashlib.blake2b(b"", key=master, digest_size=32, salt=struct.pack("<QQ", number, 0), person=context + bytes(8)).digest()


def add(a, b):
    x, y = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    t, z = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = y - x, z - t, z + t, y + x
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, point):
    result = (0, 1, 1, 0)
    while n:
        if n & 1:
            result = add(result, point)
        point, n = add(point, point), n >> 1
    return result


def squeeze(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def unsqueeze(raw):
    number = int.from_bytes(raw, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P:
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = unsqueeze((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def halves(seed):
    digest = hashlib.sha512(seed).digest()
    return int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254, digest[32:]


def public(seed):
    return squeeze(times(halves(seed)[0], BASE))


def sign(seed, message):
    a, prefix = halves(seed)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    first = squeeze(times(r, BASE))
    h = int.from_bytes(hashlib.sha512(first + public(seed) + message).digest(), "little") % L
    return first + ((r + h * a) % L).to_bytes(32, "little")


def holds(key, message, signature):
    point, first = unsqueeze(key), unsqueeze(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if point is None or first is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    return squeeze(times(s, BASE)) == squeeze(add(first, times(h, point)))


def x25519(secret, point):
    k = int.from_bytes(secret, "little") & (1 << 254) - 8 | 1 << 254
    u = int.from_bytes(point, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for bit in reversed(range(255)):
        now = k >> bit & 1
        if swap != now:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = now
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        e = aa - bb
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def secret_of_ed25519(seed):
    return hashlib.sha512(seed).digest()[:32]


def point_of_ed25519(key):
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    return ((1 + y) * pow(1 - y, P - 2, P) % P).to_bytes(32, "little")


def chacha(words, last):
    """Twenty rounds over sixteen words; `last` adds the first state, as ChaCha20 does and HChaCha20 does not."""
    state = list(words)

    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = state[x] + state[y] & 0xFFFFFFFF
            word = state[z] ^ state[x]
            state[z] = (word << turn | word >> 32 - turn) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *[s + w & 0xFFFFFFFF if last else s for s, w in zip(state, words)])


SIGMA = struct.unpack("<4I", b"expand 32-byte k")


def xchacha20poly1305(key, nonce, message, associated):
    """The sealed message with its tag of 16 bytes behind it."""
    half = chacha(SIGMA + struct.unpack("<8I", key) + struct.unpack("<4I", nonce[:16]), False)
    subkey = struct.unpack("<8I", half[:16] + half[48:])

    def block(counter):
        return chacha(SIGMA + subkey + (counter, 0) + struct.unpack("<2I", nonce[16:]), True)

    stream = b"".join(block(1 + i) for i in range((len(message) + 63) // 64))
    sealed = bytes(a ^ b for a, b in zip(message, stream))
    covered = associated + bytes(-len(associated) % 16) + sealed + bytes(-len(sealed) % 16) + struct.pack("<QQ", len(associated), len(sealed))
    one = block(0)
    r, total = int.from_bytes(one[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF, 0
    for at in range(0, len(covered), 16):
        total = (total + int.from_bytes(covered[at:at + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return sealed + ((total + int.from_bytes(one[16:32], "little")) & (1 << 128) - 1).to_bytes(16, "little")


def siphash24(key, message):
    k0, k1 = struct.unpack("<QQ", key)
    mask = (1 << 64) - 1
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def turn(word, by):
        return (word << by | word >> 64 - by) & mask

    def rounds(count):
        for _ in range(count):
            v[0], v[2] = v[0] + v[1] & mask, v[2] + v[3] & mask
            v[1], v[3] = turn(v[1], 13) ^ v[0], turn(v[3], 16) ^ v[2]
            v[0] = turn(v[0], 32)
            v[2], v[0] = v[2] + v[1] & mask, v[0] + v[3] & mask
            v[1], v[3] = turn(v[1], 17) ^ v[2], turn(v[3], 21) ^ v[0]
            v[2] = turn(v[2], 32)

    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) & 255])
    for at in range(0, len(padded), 8):
        word = struct.unpack_from("<Q", padded, at)[0]
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]
