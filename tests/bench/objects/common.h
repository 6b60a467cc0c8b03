/* What every generated unit includes, in C and in C++: the types that they share, and small inline functions. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef EDIT
#define EDIT 0
#endif

enum kind { KIND_EMPTY, KIND_NUMBER, KIND_TEXT, KIND_PAIR, KIND_TABLE, KIND_CALL, KIND_LAST };
enum level { LEVEL_DEBUG = 10, LEVEL_INFO = 20, LEVEL_WARNING = 30, LEVEL_ERROR = 40 };

typedef uint64_t word;

struct span { const char *text; size_t length; };
struct place { const char *file; int line, column; };
struct node { struct node *next, *previous; struct span name; enum kind kind; word key; double weight; };
struct list { struct node *first, *last; size_t length; };
struct point { int x, y; };
struct box { struct point from, to; unsigned colour : 24, visible : 1, locked : 1; };
struct matrix { double cell[4][4]; const char *label; };

struct value {
    enum kind kind;
    union {
        word number;
        double real;
        struct span text;
        struct { struct value *left, *right; } pair;
        struct { struct value *items; size_t length, capacity; } table;
    } as;
};

struct state {
    word sum;
    unsigned calls, errors;
    enum level level;
    struct list pending;
    struct node nodes[8];
    struct box view;
    word (*hook)(struct state *, word);
    char text[64];
};

struct service {
    const char *name;
    word (*start)(struct state *, word);
    word (*handle)(struct state *, const struct value *, size_t);
    word (*stop)(struct state *, word);
    const struct place *where;
};

static inline word mix(word a, word b) {
    a ^= b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2);
    return a * 0xff51afd7ed558ccdu;
}

static inline word mix_text(word sum, const char *text) {
    while (*text)
        sum = mix(sum, (unsigned char)*text++);
    return sum;
}

static inline void list_add(struct list *list, struct node *node) {
    node->previous = list->last;
    node->next = NULL;
    *(list->last ? &list->last->next : &list->first) = node;
    list->last = node;
    list->length++;
}

#ifdef __cplusplus
}

/* Templates and inline functions: each unit that uses one brings its own copy, of which a link keeps one. */
template <class T, int N> class ring {
    T items[N];
    int head = 0, count = 0;

  public:
    ring() : items() {}
    void push(const T &item) {
        items[(head + count) % N] = item;
        if (count < N)
            count++;
        else
            head = (head + 1) % N;
    }
    T pop() {
        T item = items[head];
        head = (head + 1) % N;
        count--;
        return item;
    }
    bool empty() const { return count == 0; }
    int size() const { return count; }
    template <class F> word fold(word sum, F f) const {
        for (int i = 0; i < count; i++)
            sum = f(sum, items[(head + i) % N]);
        return sum;
    }
};

template <class T> inline const T &larger(const T &a, const T &b) { return a < b ? b : a; }

template <class T> void sort(T *items, int n) {
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && items[j] < items[j - 1]; j--) {
            T other = items[j];
            items[j] = items[j - 1];
            items[j - 1] = other;
        }
}

class shape {
    const char *label;

  public:
    explicit shape(const char *text) : label(text) {}
    virtual ~shape() {}
    virtual word area() const { return 0; }
    virtual const char *name() const { return label; }
    word hash(word sum) const { return mix(mix_text(sum, name()), area()); }
};

struct failure {
    int code;
    const char *text;
};
#endif

#if EDIT >= 2
/* What the edits that make a unit grow call. */
static inline void describe(char *to, size_t room, unsigned number) {
#if EDIT == 3
    snprintf(to, room, "a unit that has grown, %u", number);
#else
    static const char text[] = "a unit that has grown";
    for (size_t i = 0; i < sizeof text && i < room; i++)
        to[i] = text[i];
    to[sizeof text - 2] = (char)('a' + number % 26);
#endif
}
#endif
