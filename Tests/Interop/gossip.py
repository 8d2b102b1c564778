"""docs/spec/gossip.md a second time, from the page alone: short ids, fingerprints, messages, and a side of a round (§2).

An op is its key: 36 bytes, its location (most significant byte first) and its hash. As a program it takes rounds over its
standard input, line by line (`serve`); RoundInteropTests lets it talk with the one in Swift."""
import bisect
import random
import sys

from data_model import pack
from primitives import blake, siphash24

END = 2**32
MOST_BYTES, MOST_IDS, MOST_CUTS = 262_144, 16_384, 4_095


class Broken(Exception):
    """The peer broke a rule of §2.4."""


# What a round makes of its salt

def short_id(salt, op):
    return (siphash24(salt, op[4:]) & (1 << 48) - 1).to_bytes(6, "big")


def fingerprint(salt, ops):
    total = sum(int.from_bytes(op[4:], "big") for op in ops) % 2**256
    return blake(total.to_bytes(32, "big") + len(ops).to_bytes(8, "big"), salt)[:8]


# Bytes

def number(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def id_list(ids):
    return number(len(ids)) + b"".join(ids)


def ask_bytes(ask):
    return b"\x01" + ask["print"] if "print" in ask else b"\x02" + id_list(ask["ids"]) + id_list(ask["aside"])


def cut_bytes(cut):
    rest = cut[4:].rstrip(b"\0")
    return cut[:4] + bytes([len(rest)]) + rest


def split_bytes(cuts, asks):
    return b"\x03" + number(len(cuts)) + b"".join(map(cut_bytes, cuts)) + b"".join(map(ask_bytes, asks))


def answer_bytes(wanted, sent):
    return b"\x04" + id_list(wanted) + number(sent)


def open_message(salt, arcs, theirs, asks):
    return pack([0, 1, salt, 6, arcs, theirs, b"".join(map(ask_bytes, asks))])


def turn_message(settled, replies):
    """`replies`: (gap, bytes)."""
    return pack([1, 6, settled, b"".join(number(gap) + reply for gap, reply in replies)])


def close_message(code, reason=""):
    return pack([2, code, reason])


def unpack(data):
    """One value of what messages hold: numbers, text, bytes, arrays."""
    at = 0

    def take(count):
        nonlocal at
        if count > len(data) - at:
            raise Broken("cut short")
        at += count
        return data[at - count:at]

    def whole(count):
        return int.from_bytes(take(count), "big")

    def value():
        m = whole(1)
        if m < 128:
            return m
        if 0x90 <= m <= 0x9F:
            return [value() for _ in range(m & 15)]
        if 0xA0 <= m <= 0xBF:
            return take(m & 31).decode()
        if 0xC4 <= m <= 0xC6:
            return take(whole(1 << m - 0xC4))
        if 0xCC <= m <= 0xCF:
            return whole(1 << m - 0xCC)
        if 0xD9 <= m <= 0xDB:
            return take(whole(1 << m - 0xD9)).decode()
        if 0xDC <= m <= 0xDD:
            return [value() for _ in range(whole(2 << m - 0xDC))]
        raise Broken("not of a message")

    result = value()
    if at != len(data):
        raise Broken("bytes behind the message")
    return result


class Bytes:
    """Asks and replies, from front to back."""

    def __init__(self, data):
        self.data, self.at = data, 0
        if len(data) > MOST_BYTES:
            raise Broken("too many bytes")

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Broken("cut short")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self):
        n = shift = 0
        while True:
            byte = self.take(1)[0]
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                if n >= 1 << 35 or (byte == 0 and shift > 7):
                    raise Broken("a number not in its form")
                return n
            if shift >= 35:
                raise Broken("a number too large")

    def ids(self):
        count = self.number()
        if count > MOST_IDS:
            raise Broken("too many ids")
        ids = [self.take(6) for _ in range(count)]
        if any(a >= b for a, b in zip(ids, ids[1:])):
            raise Broken("ids do not ascend")
        return ids

    def ask(self):
        kind = self.take(1)[0]
        if kind == 1:
            return {"print": self.take(8)}
        if kind == 2:
            return {"ids": self.ids(), "aside": self.ids()}
        raise Broken("no ask")

    def cut(self):
        location, count = self.take(4), self.take(1)[0]
        if count > 32:
            raise Broken("a cut too long")
        rest = self.take(count)
        if rest.endswith(b"\0"):
            raise Broken("a cut that ends in zero")
        return location + rest + bytes(32 - count)


def checked_arcs(flat):
    pairs = list(zip(flat[::2], flat[1::2]))
    fine = isinstance(flat, list) and len(flat) % 2 == 0 and len(pairs) <= 16 and all(isinstance(x, int) and x < END for x in flat)
    if not fine or any(a > b for a, b in pairs) or any(b + 1 >= c for (_, b), (c, _) in zip(pairs, pairs[1:])):
        raise Broken("no arc set")
    return flat


def shared(a, b):
    """The ranges of the intersection as (lower key, upper key or None for the end)."""
    ranges = []
    for f, l in zip(a[::2], a[1::2]):
        for g, m in zip(b[::2], b[1::2]):
            if max(f, g) <= min(l, m):
                top = min(l, m) + 1
                ranges.append((max(f, g).to_bytes(4, "big") + bytes(32), top.to_bytes(4, "big") + bytes(32) if top < END else None))
    return sorted(ranges, key=lambda r: r[0])


class Side:
    """One side of a round. Where `dice` is None it asks and cuts as Plasmid does (§2.3, the last paragraph); else `dice` chooses,
    among all that the page allows."""

    def __init__(self, held, aside, arcs, believed, dice=None):
        self.held, self.aside, self.arcs, self.believed, self.dice = sorted(held), sorted(aside), arcs, believed, dice
        self.salt, self.mine, self.theirs, self.known = None, [], [], {}
        self.reopened, self.through, self.started = False, False, False
        self.sends, self.told = [], 0

    def within(self, ops, low, high):
        return ops[bisect.bisect_left(ops, low):len(ops) if high is None else bisect.bisect_left(ops, high)]

    def id(self, op):
        if op not in self.known:
            self.known[op] = short_id(self.salt, op)
        return self.known[op]

    def ask(self, low, high, most):
        """By ids where there are at most so many ops."""
        ops = self.within(self.held, low, high)
        if len(ops) <= most:
            aside = self.within(self.aside, low, high)
            aside = sorted({self.id(op) for op in aside}) if self.dice or len(aside) <= 48 else []
            made = {"ids": sorted({self.id(op) for op in ops}), "aside": aside}
        else:
            made = {"print": fingerprint(self.salt, ops)}
        self.mine.append(dict(made, low=low, high=high))
        return made

    def few(self, plasmid, *choices):
        return self.dice.choice(choices) if self.dice else plasmid

    def begin(self, salt):
        self.salt, self.started = salt, True
        self.mine = []
        asks = [self.ask(low, high, self.few(48, -1, 4, 48)) for low, high in shared(self.arcs, self.believed)]
        return open_message(salt, self.arcs, self.believed, asks)

    def take(self, message):
        """What to say next, or None."""
        if self.through:
            raise Broken("the round is through")
        parts = unpack(message)
        if not isinstance(parts, list) or not parts:
            raise Broken("no message")
        if parts[0] == 0 and len(parts) == 7:
            return self.opened(parts)
        if parts[0] == 1 and len(parts) == 4 and parts[1] == 6:
            return self.turn(parts[2], parts[3], len(message))
        if parts[0] == 2 and len(parts) == 3 and parts[1] in (0, 1, 2) and len(parts[2].encode()) <= 512:
            self.through = True
            return None
        raise Broken("no message")

    def opened(self, parts):
        _, version, salt, size, arcs, believed, asks = parts
        if version != 1 or size != 6 or len(salt) != 16 or (self.started and (self.reopened or salt != self.salt or self.told)):
            raise Broken("an open out of place")
        self.salt = salt
        arcs, believed = checked_arcs(arcs), checked_arcs(believed)
        reader, ranges = Bytes(asks), shared(arcs, believed)
        self.theirs = [dict(reader.ask(), low=low, high=high) for low, high in ranges]
        if reader.at != len(asks):
            raise Broken("more asks than ranges")
        if believed != self.arcs:
            if self.started or self.reopened:
                raise Broken("a second open that believes otherwise")
            self.reopened, self.theirs, self.believed = True, [], arcs
            if not shared(self.arcs, arcs):
                self.through = True
                return close_message(1)
            return self.begin(salt)
        self.reopened, self.mine = True, []
        if not ranges:
            self.through = True
            return close_message(1)
        return self.reply()

    def turn(self, settled, data, size):
        if self.salt is None or settled > len(self.mine) or (settled == 0 and self.mine):
            raise Broken("settles what is not open")
        if settled < len(self.mine) and size < 65_536:
            raise Broken("settles too little")
        self.told += 1
        asks = [self.mine.pop() for _ in range(settled)]
        reader, at = Bytes(data), -1
        while reader.at < len(data):
            at += 1 + reader.number()
            if at >= settled:
                raise Broken("a reply to nothing")
            self.replied(asks[at], reader)
        if not self.mine and not self.theirs:
            self.through = True
            return None
        return self.reply()

    def replied(self, ask, reader):
        kind = reader.take(1)[0]
        if kind == 3 and "print" in ask:
            count = reader.number()
            if count > MOST_CUTS:
                raise Broken("too many cuts")
            cuts = [reader.cut() for _ in range(count)]
            edges = [ask["low"], *cuts, ask["high"]]
            if any(a >= b for a, b in zip(edges, edges[1:]) if b is not None):
                raise Broken("cuts that do not ascend within the range")
            asks = [dict(reader.ask(), low=low, high=high) for low, high in zip(edges, edges[1:])]
            if all("print" in a and a["print"] == fingerprint(self.salt, self.within(self.held, a["low"], a["high"])) for a in asks):
                raise Broken("all pieces are equal")
            self.theirs += asks
        elif kind == 4 and "ids" in ask:
            wanted, _ = reader.ids(), reader.number()
            if not set(wanted) <= set(ask["ids"]):
                raise Broken("wants what it was not told of")
            wanted = set(wanted)
            self.sends += [op for op in self.within(self.held, ask["low"], ask["high"]) if self.id(op) in wanted]
        else:
            raise Broken("not a reply to this")

    def reply(self):
        settled, gap, replies, size = 0, 0, [], 0
        differs = len(self.theirs) >= 64 and all("print" in ask and not self.equal(ask) for ask in self.theirs)
        while self.theirs and size < 65_536:
            ask = self.theirs.pop()
            said = self.split(ask, self.few(256 if differs else 48, 0, 1, 8, 48)) if "print" in ask else self.answer(ask)
            settled += 1
            if said is None:
                gap += 1
                continue
            replies.append((gap, said))
            size, gap = size + len(said), 0
        if not self.mine and not self.theirs:
            self.through = True
        return turn_message(settled, replies)

    def equal(self, ask):
        return fingerprint(self.salt, self.within(self.held, ask["low"], ask["high"])) == ask["print"]

    def split(self, ask, most):
        if self.equal(ask):
            return None
        low, high = ask["low"], ask["high"]
        ops = self.within(self.held, low, high)
        cuts = [] if len(ops) <= most else self.wild_cuts(ops, low, high) if self.dice else plasmid_cuts(ops)
        if not cuts:
            return split_bytes([], [self.ask(low, high, len(ops))])
        edges = [low, *cuts, high]
        return split_bytes(cuts, [self.ask(a, b, self.few(2, -1, 4, 48)) for a, b in zip(edges, edges[1:])])

    def wild_cuts(self, ops, low, high):
        cuts = set()
        for _ in range(self.dice.randint(1, 7)):
            op = self.dice.choice(ops)
            cuts.add(self.dice.choice([op, op[:4] + bytes(32), op[:self.dice.randint(4, 36)].ljust(36, b"\0"), self.dice.randbytes(36)]))
        return sorted(c for c in cuts if low < c and (high is None or c < high))

    def answer(self, ask):
        ops, aside = (self.within(some, ask["low"], ask["high"]) for some in (self.held, self.aside))
        here = {self.id(op) for op in ops + aside}
        there = set(ask["ids"]) | set(ask["aside"])
        sends = [op for op in ops if self.id(op) not in there]
        self.sends += sends
        wanted = sorted(set(ask["ids"]) - here)
        return answer_bytes(wanted, len(sends)) if wanted or sends else None


def plasmid_cuts(ops):
    n = len(ops)
    pieces = min(16, max(2, n // 12)) if n <= 768 else min(2_048, max(16, n // 192))
    cuts = []
    for piece in range(1, pieces):
        left, right = ops[n * piece // pieces - 1], ops[n * piece // pieces]
        same = 4 if left[:4] != right[:4] else next(i for i in range(4, 36) if left[i] != right[i]) + 1
        cuts.append(right[:same].ljust(36, b"\0"))
    return cuts


def serve():
    """Lines in: `new seed held aside arcs believed`, `begin salt`, `take message`. A line out for each of the latter two:
    `say message|- sends|- through|open`, or `broken why`."""
    side = None
    for line in sys.stdin:
        word, *rest = line.split()
        raw = [b"" if r == "-" else bytes.fromhex(r) for r in rest[1 if word == "new" else 0:]]
        if word == "new":
            held, aside = ([raw[i][at:at + 36] for at in range(0, len(raw[i]), 36)] for i in (0, 1))
            side = Side(held, aside, checked_arcs(unpack(raw[2])), checked_arcs(unpack(raw[3])), random.Random(int(rest[0])))
            continue
        try:
            said = side.begin(raw[0]) if word == "begin" else side.take(raw[0])
            sends, side.sends = b"".join(side.sends), []
            print("say", said.hex() if said else "-", sends.hex() or "-", "through" if side.through else "open", flush=True)
        except Broken as why:
            print("broken", str(why).replace(" ", "-"), flush=True)


# What follows makes the examples.

WHOLE = [0, END - 1]


def some_ops(dice, count):
    return sorted(dice.randbytes(36) for _ in range(count))


def forms(salt):
    """(verdict, why, message): whether a message can be read at all."""
    a, b, c = (bytes([n]) * 6 for n in (1, 2, 3))
    ids, none, mark = {"ids": [a, b], "aside": [c]}, {"ids": [], "aside": []}, {"print": bytes(range(8))}
    cut = bytes.fromhex("80000000") + b"\x01".ljust(32, b"\0")
    low, high = bytes(4) + b"\1" + bytes(31), b"\xff" * 36
    halves = split_bytes([cut], [mark, ids])

    def opened(arcs=WHOLE, theirs=WHOLE, asks=b"\x01" + bytes(8), version=1, salt=salt):
        return pack([0, version, salt, 6, arcs, theirs, asks])

    def turn(data, settled=1):
        return pack([1, 6, settled, data])

    many = [n.to_bytes(6, "big") for n in range(MOST_IDS + 1)]
    cuts = [n.to_bytes(4, "big") + bytes(32) for n in range(1, MOST_CUTS + 2)]
    ranges = [n for i in range(17) for n in (10 * i, 10 * i + 5)]
    yes, no = "yes", "no"
    yield yes, "open", opened()
    yield yes, "open-ids", opened(asks=ask_bytes(ids))
    yield yes, "open-nothing", opened([], [], b"")
    yield yes, "open-16-ranges", opened(ranges[:32], WHOLE, b"".join([ask_bytes(none)] * 16))
    yield no, "open-17-ranges", opened(ranges, WHOLE, b"".join([ask_bytes(none)] * 17))
    yield yes, "open-one-location", opened([7, 7])
    for why, arcs in [("odd", [0]), ("descending", [5, 4]), ("touching", [0, 4, 5, 9]), ("overlapping", [0, 4, 3, 9]), ("beyond", [0, END]), ("unordered", [10, 20, 0, 5]), ("negative", [-1, 5])]:
        yield no, f"open-arcs-{why}", opened(arcs)
        yield no, f"open-believed-{why}", opened(WHOLE, arcs)
    yield no, "open-version-2", opened(version=2)
    yield no, "open-salt-of-15", opened(salt=salt[1:])
    yield no, "open-six-parts", pack([0, 1, salt, 6, WHOLE, WHOLE])
    yield no, "open-eight-parts", pack([0, 1, salt, 6, WHOLE, WHOLE, b"\x01" + bytes(8), None])
    yield no, "bytes-behind", opened() + b"\xc0"
    yield no, "ask-3", opened(asks=b"\x03" + bytes(8))
    yield no, "print-cut", opened(asks=b"\x01" + bytes(7))
    yield no, "ids-descend", opened(asks=b"\x02" + id_list([b, a]) + id_list([]))
    yield no, "ids-repeat", opened(asks=b"\x02" + id_list([a, a]) + id_list([]))
    yield no, "aside-repeat", opened(asks=b"\x02" + id_list([]) + id_list([c, c]))
    yield no, "aside-missing", opened(asks=b"\x02" + id_list([a]))
    yield no, "ids-promised", opened(asks=b"\x02\xff\xff\xff\xff\x7f")
    yield yes, "ids-16384", opened(asks=b"\x02" + id_list(many[:-1]) + b"\x00")
    yield no, "ids-16385", opened(asks=b"\x02" + id_list(many) + b"\x00")
    yield no, "number-not-shortest", opened(asks=b"\x02\x82\x00" + a + b + b"\x00")
    yield yes, "turn-settled", turn(b"", 1)
    yield yes, "turn-split", turn(b"\x00" + halves)
    yield yes, "turn-answer", turn(b"\x00" + answer_bytes([a, c], 300))
    yield yes, "turn-gap", turn(number(200) + halves + b"\x00" + answer_bytes([], 2**35 - 1), 300)
    yield no, "turn-cut", turn(b"\x00" + halves[:-1])
    yield no, "turn-reply-5", turn(b"\x00\x05")
    yield no, "turn-bare-gap", turn(b"\x00")
    yield no, "turn-number-of-2-to-35", turn(b"\x00\x04\x00\x80\x80\x80\x80\x80\x01")
    yield no, "turn-number-zero-in-two", turn(b"\x80\x00\x04\x00\x01")
    yield no, "turn-cut-ends-in-zero", turn(b"\x00\x03\x01" + cut[:4] + b"\x02\x01\x00" + ask_bytes(mark) * 2)
    yield no, "turn-cut-of-33", turn(b"\x00\x03\x01" + cut[:4] + b"\x21" + b"\x01" * 33 + ask_bytes(mark) * 2)
    yield yes, "turn-cut-at-a-location", turn(b"\x00" + split_bytes([bytes.fromhex("80000000") + bytes(32)], [mark, none]))
    yield yes, "turn-cut-whole", turn(b"\x00" + split_bytes([low, high], [mark, none, mark]))
    yield yes, "turn-4095-cuts", turn(b"\x00" + split_bytes(cuts[:-1], [mark] * 4_096))
    yield no, "turn-4096-cuts", turn(b"\x00" + split_bytes(cuts, [mark] * 4_097))
    yield no, "turn-asks-too-few", turn(b"\x00\x03\x01" + cut_bytes(cut) + ask_bytes(mark))
    yield yes, "bytes-262144", turn((b"\x00" + answer_bytes(many[:16_380], 1)) * 2 + (b"\x00" + answer_bytes(many[:10_919], 2**21)) + b"\x00" + answer_bytes([], 1), 9)
    yield no, "bytes-more", turn((b"\x00" + answer_bytes(many[:16_000], 1)) * 3, 9)
    for code in (0, 1, 2):
        yield yes, f"close-{code}", close_message(code, "why")
    yield no, "close-3", close_message(3)
    yield yes, "close-512", close_message(2, "x" * 512)
    yield no, "close-513", close_message(2, "x" * 513)
    yield no, "kind-3", pack([3])
    yield no, "not-an-array", pack(0)
    yield no, "empty-array", pack([])


def told(word, why, held, say, answer=None):
    """What comes of a round for the side that is told `say`, one message after the other."""
    values = dict(verdict=word, why=why, held=b"".join(held))
    for i, message in enumerate(say):
        values[f"say{i}"] = message
    return dict(values, answer=answer) if answer else values


def op_of(seed, i):
    core = blake(seed + i.to_bytes(4, "big"))
    return core[28:] + core


def transcript(why, dice, left, right, left_aside=(), right_aside=(), arcs=(WHOLE, WHOLE), believed=None):
    """A whole round of two sides that ask and cut as Plasmid does. Sets are ranges of numbers: `a-b` without b."""
    seed, salt = dice.randbytes(8), dice.randbytes(16)

    def ops(ranges):
        return [op_of(seed, i) for a, b in ranges for i in range(a, b)]

    def spelled(ranges):
        return ",".join(f"{a}-{b}" for a, b in ranges) or "none"

    believed = believed or arcs[1]
    sides = [Side(ops(left), ops(left_aside), arcs[0], believed), Side(ops(right), ops(right_aside), arcs[1], [])]
    values = dict(why=why, seed=seed, salt=salt, left=spelled(left), right=spelled(right), left_aside=spelled(left_aside), right_aside=spelled(right_aside),
                  left_arcs=pack(arcs[0]), right_arcs=pack(arcs[1]), believed=pack(believed))
    message, turn = sides[0].begin(salt), 0
    while message:
        values[f"m{turn}"] = message if len(message) <= 700 else blake(message)
        message = sides[1 - turn % 2].take(message)
        turn += 1
    assert all(side.through for side in sides)
    for name, side in zip(("left", "right"), sides):
        values[f"{name}_sends"] = len(side.sends)
        values[f"{name}_sent"] = blake(b"".join(sorted(side.sends)))
    return values


def transcripts(dice):
    whole = [(0, 40)]
    yield transcript("equal", dice, whole, whole)
    yield transcript("nothing-at-all", dice, [], [])
    yield transcript("to-an-empty-one", dice, whole, [])
    yield transcript("to-a-full-one", dice, [], [(0, 300)])
    yield transcript("few", dice, [(0, 20), (30, 33)], [(0, 20), (40, 45)])
    yield transcript("few-aside", dice, [(0, 20), (30, 33)], [(0, 20), (40, 45)], [(40, 42), (60, 61)], [(31, 33)])
    yield transcript("many-aside", dice, [(0, 20)], [(0, 20), (40, 45)], [(40, 42), (60, 108)], [])
    yield transcript("48-and-49", dice, [(0, 48)], [(0, 49)])
    yield transcript("49-and-48", dice, [(0, 49)], [(0, 48)])
    yield transcript("one-lacks", dice, [(0, 600)], [(0, 599)])
    yield transcript("each-lacks", dice, [(0, 500), (700, 705)], [(0, 500), (800, 807)], [(801, 802)])
    yield transcript("768-and-769", dice, [(0, 768)], [(1, 770)])
    yield transcript("disjoint", dice, [(0, 400)], [(500, 1_100)])
    yield transcript("3000", dice, [(0, 3_000), (4_000, 4_010)], [(0, 3_000), (5_000, 5_003)])
    yield transcript("everything-differs", dice, [(0, 12_500)], [(20_000, 32_600)])
    half, third, ends = [0, 2**31 - 1], [2**30, 3 * 2**30], [0, 2**30, 2**31, 2**31, 3 * 2**30, END - 1]
    yield transcript("arcs", dice, [(0, 100)], [(50, 150)], arcs=(half, third))
    yield transcript("arcs-of-many-ranges", dice, [(0, 300)], [(10, 310)], arcs=(ends, WHOLE))
    yield transcript("arcs-of-many-ranges-both", dice, [(0, 300)], [(10, 310)], arcs=(ends, third))
    yield transcript("believed-wrongly", dice, [(0, 100)], [(50, 150)], arcs=(half, third), believed=WHOLE)
    yield transcript("believed-too-little", dice, [(0, 300)], [(10, 310)], arcs=(WHOLE, WHOLE), believed=half)


def faults(dice):
    """The second side answers a fingerprint that differs with its ids; what the first then says breaks a rule."""
    held, salt = some_ops(dice, 10), dice.randbytes(16)
    ids = sorted(short_id(salt, op) for op in held)
    opened = open_message(salt, WHOLE, WHOLE, [{"print": bytes(8)}])
    for word, why, then in [
        ("yes", "wants-all", turn_message(1, [(0, answer_bytes(ids, 0))])),
        ("yes", "wants-nothing-sends-one", turn_message(1, [(0, answer_bytes([], 1))])),
        ("yes", "settled", turn_message(1, [])),
        ("closed", "busy", close_message(0, "later")),
        ("no", "settles-none", turn_message(0, [])),
        ("no", "settles-two", turn_message(2, [])),
        ("no", "replies-twice", turn_message(1, [(0, answer_bytes(ids[:1], 0)), (0, answer_bytes(ids[1:2], 0))])),
        ("no", "replies-beyond", turn_message(1, [(1, answer_bytes(ids, 0))])),
        ("no", "splits-ids", turn_message(1, [(0, split_bytes([], [{"ids": [], "aside": []}]))])),
        ("no", "wants-what-it-was-not-told", turn_message(1, [(0, answer_bytes([b"\0" * 6], 0))])),
        ("no", "opens-again", opened),
        ("no", "garbage", b"\xc1"),
    ]:
        yield told(word, why, held, [opened, then])
    mark = {"print": fingerprint(salt, held)}
    for word, why, asks, theirs in [
        ("yes", "one-range", [mark], WHOLE),
        ("no", "two-asks-for-one-range", [mark, mark], WHOLE),
        ("no", "no-ask-for-one-range", [], WHOLE),
    ]:
        yield told(word, why, held, [open_message(salt, WHOLE, theirs, asks)])
    yield told("yes", "equal", held, [open_message(salt, WHOLE, WHOLE, [mark])], turn_message(1, []))
    yield told("yes", "differs", held, [opened], turn_message(1, [(0, split_bytes([], [{"ids": ids, "aside": []}]))]))
    yield told("yes", "ids-of-nothing", held, [open_message(salt, WHOLE, WHOLE, [{"ids": [], "aside": []}])], turn_message(1, [(0, answer_bytes([], 10))]))
    yield told("no", "turn-first", held, [turn_message(1, [])])
    yield told("no", "close-first", held, [close_message(0)])
    yield told("no", "nothing-shared", held, [open_message(salt, [], WHOLE, [])])
    yield told("no", "ids-of-5", held, [pack([0, 1, salt, 5, WHOLE, WHOLE, ask_bytes(mark)])])
    yield told("no", "ids-of-8-later", held, [opened, pack([1, 8, 1, b""])])


def openers(dice):
    """The side that is tested begins with a fingerprint or ids over the whole ring; what it is told breaks a rule."""
    held = some_ops(dice, 60)
    low = bytes(4) + b"\1" + bytes(31)
    other = {"print": bytes(8)}
    for word, why, then in [
        ("yes", "one-differs", lambda s, m: turn_message(1, [(0, split_bytes([held[9]], [{"print": m(held[:9])}, other]))])),
        ("no", "all-equal", lambda s, m: turn_message(1, [(0, split_bytes([held[9]], [{"print": m(held[:9])}, {"print": m(held[9:])}]))])),
        ("no", "equal-without-a-cut", lambda s, m: turn_message(1, [(0, split_bytes([], [{"print": m(held)}]))])),
        ("no", "cuts-descend", lambda s, m: turn_message(1, [(0, split_bytes([held[9], held[8]], [other] * 3))])),
        ("no", "cuts-repeat", lambda s, m: turn_message(1, [(0, split_bytes([held[9]] * 2, [other] * 3))])),
        ("no", "cut-at-the-lower-end", lambda s, m: turn_message(1, [(0, split_bytes([bytes(36)], [other] * 2))])),
        ("yes", "cut-just-above-it", lambda s, m: turn_message(1, [(0, split_bytes([low], [other] * 2))])),
        ("no", "answers-a-fingerprint", lambda s, m: turn_message(1, [(0, answer_bytes([], 1))])),
    ]:
        salt = dice.randbytes(16)
        yield dict(verdict=word, why=why, salt=salt, held=b"".join(held), print=fingerprint(salt, held), then=then(salt, lambda ops: fingerprint(salt, ops)))


def lines():
    dice = random.Random("gossip")
    yield "short", dict(salt=bytes(range(16)), hash=bytes(range(32)), id=bytes.fromhex("512f72f27cce"))
    for _ in range(8):
        salt, op = dice.randbytes(16), dice.randbytes(36)
        yield "short", dict(salt=salt, hash=op[4:], id=short_id(salt, op))
    for count in (0, 1, 2, 30):
        salt, ops = dice.randbytes(16), some_ops(dice, count)
        yield "fingerprint", dict(salt=salt, ops=b"".join(ops), fingerprint=fingerprint(salt, ops))
    yield "fingerprint", dict(salt=salt, ops=(b"\xff" * 36 + b"\0\0\0\0" + b"\xff" * 32), fingerprint=fingerprint(salt, [b"\xff" * 36, b"\0\0\0\0" + b"\xff" * 32]))
    for word, why, message in forms(dice.randbytes(16)):
        yield "message", dict(verdict=word, why=why, bytes=message)
    for values in transcripts(dice):
        yield "transcript", values
    for values in faults(dice):
        yield "fault", values
    for values in openers(dice):
        yield "opener", values


if __name__ == "__main__":
    serve()
