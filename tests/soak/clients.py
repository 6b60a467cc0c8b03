"""Clients that check every reply against what they know to be there.

Each is a process with keys of its own. A request that fails is counted as one of a restart if the server that the connection
was made to was told to end meanwhile, and as a failure otherwise; nothing here depends on a time. After a restart every key is
read back; those of a request that a restart has cut off may be in either state, and are removed.
"""

import multiprocessing
import random
import socket
import time

KEYS = 40  # of each kind and client


class Gone(Exception):
    """The connection broke."""


class Wrong(Exception):
    """A reply is not what it has to be."""


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)  # a hang is a failure
        try:
            self.socket.connect(str(path))
        except (ConnectionError, FileNotFoundError, BlockingIOError) as error:
            self.socket.close()
            raise Gone(f"connect: {error}") from error
        self.reader = self.socket.makefile("rb", 1 << 16)

    def close(self):
        self.reader.close()
        self.socket.close()

    def call(self, *words):
        return self.calls([words])[0]

    def calls(self, requests):
        """Sends all requests at once. Returns their replies."""
        out = []
        for words in requests:
            out.append(b"*%d\r\n" % len(words))
            for word in words:
                word = word if isinstance(word, bytes) else str(word).encode()
                out.append(b"$%d\r\n%s\r\n" % (len(word), word))
        try:
            self.socket.sendall(b"".join(out))
            return [self.reply() for _ in requests]
        except (ConnectionError, TimeoutError) as error:
            raise Gone(f"{error}") from error

    def reply(self):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise Gone("the server has closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            if rest == b"-1":
                return None
            data = self.reader.read(int(rest) + 2)
            if len(data) != int(rest) + 2:
                raise Gone("the server has closed the connection")
            return data[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        raise Wrong(f"{line!r}")


class Shared:
    """What the clients and the one who restarts the server tell each other."""

    def __init__(self):
        def number():
            return multiprocessing.Value("Q", 0)
        self.ends = number()  # how often a server was told to end
        self.ready = number()  # how often one has answered
        self.stop = number()
        self.requests, self.cut_off, self.checked = number(), number(), number()
        self.failures = multiprocessing.SimpleQueue()


class Client:
    def __init__(self, number, path, shared):
        self.random = random.Random(number)
        self.number, self.path, self.shared = number, path, shared
        self.known = {}  # key -> value, of Python's kind
        self.doubtful = set()
        self.answer = None

    def key(self, kind):
        return b"soak:%d:%s:%d" % (self.number, kind, self.random.randrange(KEYS))

    def value(self):
        return self.random.randbytes(self.random.choice([0, 1, 8, 100, 1000, 9000]))

    def step(self):
        """Returns requests, their replies, and the keys that they change, with the values of those afterwards."""
        kind = self.random.choice([b"string", b"number", b"list", b"hash", b"sorted", b"set", b"script", b"together"])
        choose = self.random.randrange
        if kind == b"string":
            key, value = self.key(kind), self.value()
            return [("SET", key, value), ("APPEND", key, b"more"), ("GET", key), ("GETRANGE", key, 0, 9)], \
                [b"OK", len(value) + 4, value + b"more", (value + b"more")[:10]], {key: value + b"more"}
        if kind == b"number":
            key, by = self.key(kind), choose(1000)
            now = self.known.get(key, 0) + by
            return [("INCRBY", key, by), ("GET", key)], [now, b"%d" % now], {key: now}
        if kind == b"list":
            key, value = self.key(kind), self.value()
            items = [value, *self.known.get(key, [])]
            cut = items[:30]
            return [("LPUSH", key, value), ("LTRIM", key, 0, 29), ("LRANGE", key, 0, -1)], \
                [len(items), b"OK", cut], {key: cut}
        if kind == b"hash":
            key, field, value = self.key(kind), b"f%d" % choose(20), self.value()
            fields = dict(self.known.get(key, {}))
            added = field not in fields
            fields[field] = value
            return [("HSET", key, field, value), ("HGET", key, field), ("HLEN", key)], \
                [int(added), value, len(fields)], {key: fields}
        if kind == b"sorted":
            key, member, score = self.key(kind), b"m%d" % choose(30), choose(100_000)
            scores = dict(self.known.get(key, {}))
            added = member not in scores
            scores[member] = score
            order = [m for m, _ in sorted(scores.items(), key=lambda entry: (entry[1], entry[0]))]
            return [("ZADD", key, score, member), ("ZRANGE", key, 0, -1)], [int(added), order], {key: scores}
        if kind == b"set":
            key, member = self.key(kind), b"%d" % choose(200)
            members = set(self.known.get(key, set()))
            added = member not in members
            members.add(member)
            return [("SADD", key, member), ("SCARD", key), ("SISMEMBER", key, member)], \
                [int(added), len(members), 1], {key: members}
        if kind == b"script":
            key, value = self.key(b"string"), self.value()
            script = "redis.call('SET', KEYS[1], ARGV[1]); return {#ARGV[1], string.rep('ab', 3), redis.call('GET', KEYS[1])}"
            return [("EVAL", script, 1, key, value)], [[len(value), b"ababab", value]], {key: value}
        key, other, value = self.key(b"string"), self.key(b"number"), self.value()
        now = self.known.get(other, 0) + 1
        return [("MULTI",), ("SET", key, value), ("INCR", other), ("EXEC",)], \
            [b"OK", b"QUEUED", b"QUEUED", [b"OK", now]], {key: value, other: now}

    def read_back(self, connection):
        """Compares all that is known with what is there."""
        for key in self.doubtful:
            connection.call("DEL", key)
            self.known.pop(key, None)
        self.doubtful.clear()
        for key, value in self.known.items():
            if isinstance(value, bytes):
                found = connection.call("GET", key)
            elif isinstance(value, int):
                found = int(connection.call("GET", key) or 0)
            elif isinstance(value, list):
                found = connection.call("LRANGE", key, 0, -1)
            elif isinstance(value, set):
                found = set(connection.call("SMEMBERS", key))
            elif b":sorted:" in key:
                found = connection.call("ZRANGE", key, 0, -1, "WITHSCORES")
                found = {m: int(s) for m, s in zip(found[::2], found[1::2])}
            else:
                found = connection.call("HGETALL", key)
                found = dict(zip(found[::2], found[1::2]))
            if found != value:
                raise Wrong(f"after a restart {key} is {found!r:.200}, not {value!r:.200}")
            self.add(self.shared.checked, 1)

    def add(self, counter, count):
        with counter.get_lock():
            counter.value += count

    def serve(self, connection):
        self.read_back(connection)
        self.answer = connection.call("SOAK")
        count = 0
        while not self.shared.stop.value:
            requests, replies, changes = self.step()
            self.doubtful = set(changes)
            found = connection.calls(requests)
            if found != replies:
                raise Wrong(f"{requests!r:.300}: {found!r:.300}, not {replies!r:.300}")
            self.known.update(changes)
            self.doubtful = set()
            self.add(self.shared.requests, len(requests))
            count += 1
            if count % 200 == 0 and connection.call("SOAK") != self.answer:
                raise Wrong("a running server has another answer than before")

    def run(self):
        while not self.shared.stop.value:
            # What is read here was true before the connection was made.
            ends, ready = self.shared.ends.value, self.shared.ready.value
            connection = None
            try:
                connection = Connection(self.path)
                self.serve(connection)
            except Gone as error:
                # Between the two there is no server, or one that reads its file.
                if ends != ready or self.shared.ends.value != ends:
                    self.add(self.shared.cut_off, connection is not None)
                else:
                    self.shared.failures.put(f"client {self.number}: {error}")
                if connection is None:
                    time.sleep(0.01)
            except Wrong as error:
                if "LOADING" in str(error) and ends != ready:
                    continue
                self.shared.failures.put(f"client {self.number}: {error}")
                return
            finally:
                if connection is not None:
                    connection.close()


def start(count, path):
    """Starts so many clients. Returns their processes, and what they share."""
    shared = Shared()
    make = multiprocessing.get_context("fork").Process
    processes = [make(target=Client(n, path, shared).run, daemon=True) for n in range(count)]
    for process in processes:
        process.start()
    return processes, shared
