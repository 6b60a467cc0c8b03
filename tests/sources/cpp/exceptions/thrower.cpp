int destroyed;
struct Guard { ~Guard() { destroyed++; } };

__attribute__((noinline)) void throw_at_depth(int depth) {
    if (depth == 0)
        throw 0;
    Guard guard;
    throw_at_depth(depth - 1);
    asm volatile(""); // Not a tail call, so that every frame has something to destroy.
}

struct Private { virtual ~Private() {} };
void throw_derived() { throw Private(); }
