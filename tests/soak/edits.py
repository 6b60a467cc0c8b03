"""Edits of the server's sources, and what an edited server has to answer.

Some sources get a part of their own behind their last line: functions, tables and words, of which the command SOAK reports.
What it has to report is computed here from the same description, so that a server which runs anything else is found out. An
edit changes the description of one or several sources; only what comes out differently is written again.
"""

import random

# Source, and the beginning of a function that the load goes through, which edits make longer.
SOURCES = {
    "util.c": "int string2ll(const char *s, size_t slen, long long *value) {\n",
    "t_string.c": "void setCommand(client *c) {\n",
    "t_hash.c": "void hsetCommand(client *c) {\n",
    "t_list.c": "void pushGenericCommand(client *c, int where, int xx) {\n",
    "object.c": "robj *createStringObject(const char *ptr, size_t len) {\n",
    "networking.c": "int prepareClientToWrite(client *c) {\n",
}
COMMANDS = "lolwut.c"  # the commands' functions; commands.c has their table
TABLE_END = "{0}\n};\n"
KINDS = ["value", "longer", "function", "words", "several", "command", "exported", "tables", "shorter", "comment"]


class Part:
    """What one source has behind its last line."""

    def __init__(self, source):
        self.source = source
        self.name = source[:-2]
        self.values = [3, 5]
        self.words = ["first"]
        self.functions = [7]  # their factors
        self.exported = []
        self.longer = 0  # statements in the function that the load goes through
        self.zeroes = 16
        self.comment = 0

    def text(self, original):
        start = SOURCES[self.source]
        if original.count(start) != 1:
            raise ValueError(f"{self.source} does not have `{start.strip()}` once")
        statement = "    { static volatile unsigned long count; count = count * 3 + 1; }\n"
        name = self.name
        lines = [original.replace(start, start + statement * self.longer), f"/* soak {self.comment} */\n"]
        lines.append("#include <stdio.h>\n")
        lines.append(f"static unsigned soak_values_{name}[] = {{{', '.join(f'{v}u' for v in self.values)}}};\n")
        words = ", ".join(f'"{word}"' for word in self.words)
        lines.append(f"static const char *soak_words_{name}[] = {{{words}}};\n")
        lines.append(f"static volatile char soak_zeroes_{name}[{self.zeroes}];\n")
        body = "".join(f"    x += soak_values_{name}[{i}] * {i + 1}u;\n" for i in range(len(self.values)))
        for number, factor in enumerate(self.functions):
            lines.append(f"static __attribute__((noinline)) unsigned soak_{name}_{number}(unsigned x) "
                         f"{{ return x * {factor}u + {number}u; }}\n")
            body += f"    x = soak_{name}_{number}(x);\n"
        for number, factor in enumerate(self.exported):
            lines.append(f"unsigned soak_{name}_exported_{number}(unsigned x);\n")
            lines.append(f"unsigned soak_{name}_exported_{number}(unsigned x) {{ return x ^ {factor}u; }}\n")
            body += f"    x = soak_{name}_exported_{number}(x);\n"
        shown = "%s" * len(self.words)
        given = "".join(f", soak_words_{name}[{i}]" for i in range(len(self.words)))
        lines.append(f"int soak_{name}(char *to, unsigned long size);\n")
        lines.append(f"int soak_{name}(char *to, unsigned long size) {{\n    unsigned x = 1;\n{body}"
                     f"    x += soak_zeroes_{name}[{self.zeroes - 1}];\n"
                     f'    return snprintf(to, size, "{name}:%u:{shown}:%lu ", x{given}, '
                     f"(unsigned long)sizeof soak_zeroes_{name});\n}}\n")
        return "".join(lines)

    def answer(self):
        x = 1
        for i, value in enumerate(self.values):
            x += value * (i + 1)
        for number, factor in enumerate(self.functions):
            x = x * factor + number
        x &= 0xFFFFFFFF
        for factor in self.exported:
            x ^= factor
        return f"{self.name}:{x}:{''.join(self.words)}:{self.zeroes} "


class Edits:
    """The sources in `folder`, which are as they were fetched."""

    def __init__(self, folder, seed):
        self.folder = folder
        self.random = random.Random(seed)
        self.originals = {name: (folder / name).read_text() for name in [*SOURCES, COMMANDS, "commands.c"]}
        self.parts = {source: Part(source) for source in SOURCES}
        self.commands = 0  # beside SOAK itself
        self.written = {}
        self.write()

    def answer(self):
        """What SOAK answers if the server was made of the sources as they are."""
        return "".join(part.answer() for part in self.parts.values()).encode()

    def edit(self, number):
        """Makes the edit of this number. Returns its kind, and the sources that it has written."""
        kind = KINDS[number % len(KINDS)]
        choose = self.random.randrange
        part = self.random.choice(list(self.parts.values()))
        if kind in ("value", "several"):
            for part in self.random.sample(list(self.parts.values()), 3 if kind == "several" else 1):
                part.values[choose(len(part.values))] = choose(1, 1 << 20)
        elif kind == "longer":
            part.longer += choose(1, 40)
        elif kind == "function":
            part.functions += [choose(3, 1 << 16) | 1 for _ in range(choose(1, 6))]
        elif kind == "words":
            part.words = [f"w{choose(1 << 30)}" for _ in range(choose(1, 12))]
        elif kind == "command":
            self.commands += 1
        elif kind == "exported":
            part.exported.append(choose(1 << 31))
        elif kind == "tables":
            part.values += [choose(1 << 16) for _ in range(choose(4, 300))]
            part.zeroes += choose(1, 20_000)
        elif kind == "shorter":
            part.longer //= 2
            del part.functions[1:], part.values[40:]
        else:
            part.comment += 1
        return kind, self.write()

    def write(self):
        texts = {source: part.text(self.originals[source]) for source, part in self.parts.items()}
        names = ["soakCommand", *(f"soak{n}Command" for n in range(1, self.commands + 1))]
        declared = "".join(f"void {name}(client *c);\n" for name in names)
        rows = "".join(
            f'{{"{name[:-7]}","Soak","O(1)","7.0.0",CMD_DOC_NONE,NULL,NULL,COMMAND_GROUP_SERVER,NULL,NULL,{name},1,'
            f"CMD_FAST,0}},\n" for name in names)
        table = self.originals["commands.c"]
        if not table.endswith(TABLE_END):
            raise ValueError("commands.c does not end with its table")
        head = '#include "server.h"\n'
        texts["commands.c"] = table[:-len(TABLE_END)].replace(head, head + declared, 1) + rows + TABLE_END
        parts = [part.name for part in self.parts.values()]
        prototypes = "".join(f"int soak_{name}(char *to, unsigned long size);\n" for name in parts)
        calls = "".join(f"    at += soak_{name}(at, text + sizeof text - at);\n" for name in parts)
        more = "".join(f'void soak{n}Command(client *c) {{ addReplyBulkCString(c, "more {n}"); }}\n'
                       for n in range(1, self.commands + 1))
        texts[COMMANDS] = (self.originals[COMMANDS] + declared + prototypes +
                           "void soakCommand(client *c) {\n    char text[4096], *at = text;\n" + calls +
                           "    addReplyBulkCBuffer(c, text, at - text);\n}\n" + more)
        changed = [name for name, text in texts.items() if self.written.get(name) != text]
        for name in changed:
            (self.folder / name).write_text(texts[name])
        self.written = texts
        return changed
