"""Generates the units of the benchmark's largest programs: C and C++ sources as people write them, roughly.

A unit has some two dozen functions of a dozen lines, its own types, statics, tables and strings, and calls into
units of lower numbers: so the first thousand units of the largest program are those of the smaller one. One
unit in four is C++, with templates, inline and virtual functions in COMDAT groups, and exceptions.

EDIT (a macro of the compiler's command line) makes the variants of a unit: 0 and 1 differ in a constant of the code,
2 has one function more and calls it, 3 also calls a function of libc that the program did not call before.
"""

import random

WORDS = ("account address amount balance batch buffer cache channel client cluster column context counter credit cursor "
         "delay device driver element entry event factor field filter frame group handle header index input invoice item "
         "journal kernel label ledger limit market message metric module monitor number object offset order output owner "
         "packet parser payment policy price process profile quota range record region report request result route sample "
         "schema segment session signal source status stream target ticket token total trace unit vector window").split()


def is_cpp(number):
    return number % 4 == 3


class Unit:
    def __init__(self, number):
        self.number = number
        self.random = random.Random(f"unit {number}")
        self.lines = []
        self.leaves = []
        self.extern = 'extern "C" ' if is_cpp(number) else ""
        self.calls = sorted({self.random.randrange(number) for _ in range(6)}) if number else []

    def word(self):
        return self.random.choice(WORDS)

    def name(self):
        return f"{self.word()}_{self.word()}"

    def text(self):
        return " ".join(self.word() for _ in range(self.random.randrange(3, 9)))

    def constant(self):
        return self.random.randrange(3, 1 << 30)

    def add(self, text):
        self.lines.append(text)

    def head(self):
        n = self.number
        self.add('#include "common.h"\n')
        for callee in self.calls:
            self.add(f"{self.extern}word unit_{callee}_leaf(struct state *state, word x);")
        names = [self.name() for _ in range(self.random.randrange(5, 9))]
        self.fields = [f"{self.word()}_{i}" for i in range(self.random.randrange(5, 10))]
        self.record = f"{names[0]}_{n}"
        types = ["int", "unsigned", "word", "double", "char", "short", "struct span", "struct point", "const char *", "struct node *"]
        self.add(f"\nstruct {self.record} {{")
        for field in self.fields:
            self.add(f"    word {field};")
        for i in range(self.random.randrange(3, 9)):
            self.add(f"    {self.random.choice(types)} {self.word()}_{self.word()}_x{i};")
        self.add("};\n")
        self.add(f"enum {names[1]}_{n} {{ " + ", ".join(f"{w.upper()}_{n}_{i}" for i, w in enumerate(names)) + " };\n")
        self.add(f"static const char *const messages_{n}[] = {{")
        for _ in range(12):
            self.add(f'    "{self.text()}",')
        self.add("};\n")
        self.add(f"static const uint32_t table_{n}[32] = {{" + ", ".join(str(self.constant()) for _ in range(32)) + "};")
        self.add(f"static struct {self.record} current_{n};")
        self.add(f"static word counter_{n} = {self.constant()};")
        self.add(f"static struct list queue_{n};")
        self.add(f"word total_{n}_{names[2]} = {self.constant()};\n")

    def function(self, number):
        """One static function of some kind; its name."""
        n = self.number
        name = f"{self.name()}_{n}_{number}"
        field = self.random.choice(self.fields)
        other = self.random.choice(self.fields)
        c = self.constant
        bodies = [
            f"""    struct {self.record} *record = &current_{n};
    for (unsigned i = 0; i < 6; i++) {{
        word each = table_{n}[(x + i) % 32];
        record->{field} = mix(record->{field}, each);
        if (each % {self.random.randrange(3, 9)} == 0)
            record->{other} += each;
        else
            state->calls++;
    }}
    counter_{n}++;
    return mix(x, record->{field} ^ record->{other});""",
            f"""    enum {{ STEPS = {self.random.randrange(5, 12)} }};
    int position = 0, depth = 0;
    while (position < STEPS) {{
        switch ((x >> position) & 7) {{
        case 0: depth++; break;
        case 1: x = mix(x, {c()}); break;
        case 2: x ^= current_{n}.{field}; break;
        case 3: state->errors += depth > {self.random.randrange(2, 9)}; break;
        case 4: x += table_{n}[position]; break;
        case 5: depth -= depth > 0; break;
        default: x = (x << 1) | (x >> 63); break;
        }}
        position++;
    }}
    return x + depth;""",
            f"""    const char *text = messages_{n}[x % 12];
    struct span span = {{text, strlen(text)}};
    word vowels = 0, spaces = 0;
    for (size_t i = 0; i < span.length; i++) {{
        char letter = span.text[i];
        if (letter == ' ')
            spaces++;
        else if (strchr("aeiou", letter))
            vowels++;
    }}
    if (spaces > {self.random.randrange(2, 9)})
        state->level = LEVEL_INFO;
    return mix_text(x, text) + vowels * {c()} + spaces;""",
            f"""    struct node nodes[4];
    struct list list = {{NULL, NULL, 0}};
    for (int i = 0; i < 4; i++) {{
        nodes[i].key = mix(x, table_{n}[i * 3]);
        nodes[i].kind = (enum kind)(nodes[i].key % KIND_LAST);
        nodes[i].weight = (double)(nodes[i].key % 1000) / {self.random.randrange(3, 90)};
        nodes[i].name.text = messages_{n}[i];
        nodes[i].name.length = i;
        list_add(&list, &nodes[i]);
    }}
    for (struct node *node = list.first; node; node = node->next)
        x = mix(x, node->key + (word)node->weight + node->kind);
    queue_{n}.length += list.length;
    state->calls += (unsigned)list.length;
    return x;""",
            f"""    struct box box = {{{{(int)(x % 100), {self.random.randrange(99)}}}, {{{self.random.randrange(99)}, (int)(x % 77)}}, 0, 0, 0}};
    int width = box.to.x - box.from.x, height = box.to.y - box.from.y;
    box.colour = (unsigned)x & 0xffffff;
    box.visible = width > 0 && height > 0;
    if (box.visible)
        state->view = box;
    else
        current_{n}.{field} ^= box.colour;
    return mix(x, (word)(width * height)) ^ box.colour;""",
            f"""    struct matrix a = {{{{{{0}}}}, messages_{n}[0]}}, b = a;
    double trace = 0;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {{
            a.cell[i][j] = (double)(table_{n}[i * 4 + j] % 100);
            b.cell[j][i] = a.cell[i][j] * {self.random.randrange(2, 9)};
        }}
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++)
            trace += a.cell[i][k] * b.cell[k][i];
    return mix(x, (word)trace + state->calls);""",
            f"""    struct value items[3], table;
    for (int i = 0; i < 3; i++) {{
        items[i].kind = i % 2 ? KIND_NUMBER : KIND_TEXT;
        if (items[i].kind == KIND_NUMBER) {{
            items[i].as.number = x ^ {c()};
        }} else {{
            items[i].as.text.text = messages_{n}[(x + i) % 12];
            items[i].as.text.length = 3;
        }}
    }}
    table.kind = KIND_TABLE;
    table.as.table.items = items;
    table.as.table.length = table.as.table.capacity = 3;
    for (size_t i = 0; i < table.as.table.length; i++)
        x = mix(x, items[i].kind == KIND_NUMBER ? items[i].as.number : (word)items[i].as.text.text[0]);
    total_{n}_sum(x);
    return x ^ state->sum;""",
        ]
        self.add(f"static word {name}(struct state *state, word x) {{\n{self.random.choice(bodies)}\n}}\n")
        return name

    def cpp(self):
        """What only C++ has: a class with virtual functions, templates, lambdas, an exception."""
        n = self.number
        self.add(f"""namespace {{
class figure_{n} : public shape {{
    int width, height;

  public:
    figure_{n}(int w, int h) : shape(messages_{n}[1]), width(w), height(h) {{}}
    word area() const override {{ return (word)(width * height) * {self.random.randrange(2, 99)}; }}
    bool operator<(const figure_{n} &other) const {{ return area() < other.area(); }}
}};
}}

struct pair_{n} {{
    int key;
    word weight;
    bool operator<(const pair_{n} &other) const {{ return key < other.key; }}
}};

static word shapes_{n}(struct state *state, word x) {{
    figure_{n} small((int)(x % 9) + 1, 2), large(3, (int)(x % 13) + 4);
    const shape &chosen = larger(small, large);
    pair_{n} pairs[5];
    for (int i = 0; i < 5; i++) {{
        pairs[i].key = (int)((x >> i) % 50);
        pairs[i].weight = table_{n}[i];
    }}
    sort(pairs, 5);
    ring<word, {self.random.choice([4, 8, 16])}> recent;
    ring<int, 8> small_ring;
    for (const pair_{n} &pair : pairs) {{
        recent.push(pair.weight);
        small_ring.push(pair.key);
    }}
    state->calls += (unsigned)small_ring.size();
    return recent.fold(chosen.hash(x), [](word sum, const word &each) {{ return mix(sum, each); }});
}}

static word guarded_{n}(struct state *state, word x) {{
    try {{
        if (x % 64 == {self.random.randrange(64)})
            throw failure{{(int)(x % 100), messages_{n}[2]}};
        return shapes_{n}(state, x);
    }} catch (const failure &caught) {{
        state->errors++;
        return mix_text(x + caught.code, caught.text);
    }}
}}
""")
        return f"guarded_{n}"

    def source(self):
        n = self.number
        extern = self.extern
        self.head()
        self.add(f"static void total_{n}_sum(word x) {{\n    counter_{n} = mix(counter_{n}, x);\n}}\n")
        functions = [self.function(i) for i in range(self.random.randrange(26, 40))]
        if is_cpp(n):
            functions.append(self.cpp())
        # A table of functions and places, which has to be relocated.
        self.add(f'static const struct place places_{n}[] = {{{{__FILE__, __LINE__, 1}}, {{__FILE__, __LINE__, 2}}}};')
        self.add(f"static word handle_{n}(struct state *state, const struct value *values, size_t count) {{\n"
                 f"    word sum = count;\n    for (size_t i = 0; i < count; i++)\n        sum = mix(sum, values[i].as.number);\n"
                 f"    return sum + state->calls;\n}}\n")
        self.add(f"static const struct service services_{n}[] = {{")
        for i in range(0, len(functions) - 1, 2):
            self.add(f'    {{"{self.text()}", {functions[i]}, handle_{n}, {functions[i + 1]}, &places_{n}[{i // 2 % 2}]}},')
        self.add("};\n")
        # What others call, and what the edits edit.
        self.add(f"""{extern}word unit_{n}_leaf(struct state *state, word x) {{
    state->calls++;
    return mix({functions[0]}(state, x), {functions[-1]}(state, x >> 3));
}}

#if EDIT >= 2
static word more_{n}(struct state *state, word x) {{
    word digits = 0;
    for (word rest = x; rest; rest /= 10)
        digits = mix(digits, rest % 10);
    describe(state->text, sizeof state->text, {n});
    return mix_text(digits, state->text);
}}
#endif

{extern}word unit_{n}(struct state *state, word x) {{
    const size_t count = sizeof services_{n} / sizeof services_{n}[0];
    x = mix(x, {1000 + n * 4} + EDIT);
    for (size_t i = 0; i < count; i++) {{
        x = services_{n}[i].start(state, x);
        x = mix(x, services_{n}[i].stop(state, x));
    }}
""")
        for callee in self.calls:
            self.add(f"    x = mix(x, unit_{callee}_leaf(state, x));")
        self.add(f"""#if EDIT >= 2
    x = mix(x, more_{n}(state, x));
#endif
    return x;
}}""")
        return "\n".join(self.lines) + "\n"


def suffix(number):
    return "cc" if is_cpp(number) else "c"


def main_source(count, edited):
    """The program: without arguments it runs one unit in fifty, those that are edited among them; with one, all."""
    few = sorted(set(edited[:max(2, count // 100)]) | {i for i in range(0, count, 100)})
    lines = ['#include "common.h"\n']
    lines += [f"word unit_{i}(struct state *state, word x);" for i in range(count)]
    for name, numbers in (("few", few), ("all", range(count))):
        lines.append(f"\nstatic word (*const {name}[])(struct state *, word) = {{")
        numbers = list(numbers)
        for start in range(0, len(numbers), 8):
            lines.append("    " + " ".join(f"unit_{i}," for i in numbers[start:start + 8]))
        lines.append("};")
    lines.append("""
static struct state state;

int main(int argc, char **argv) {
    word (*const *units)(struct state *, word) = argc > 1 ? all : few;
    size_t count = argc > 1 ? sizeof all / sizeof *all : sizeof few / sizeof *few;
    word sum = 1;
    (void)argv;
    for (size_t i = 0; i < count; i++) {
        sum = mix(sum, units[i](&state, i));
        if (argc > 1 && i % 100 == 0)
            printf("%zu %016llx\\n", i, (unsigned long long)sum);
    }
    printf("%zu units, %u calls, %u errors: %016llx %s\\n", count, state.calls, state.errors, (unsigned long long)sum, state.text);
    return 0;
}""")
    return "\n".join(lines) + "\n"
