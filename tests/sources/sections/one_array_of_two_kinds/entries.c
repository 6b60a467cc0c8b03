struct entry {
    long id;
    void (*call)(void);
};

extern int called;

static void call(void) {
    called++;
}

__attribute__((section("registry"), used)) static const struct entry first = {1, call};
__attribute__((section("registry"), used)) static const struct entry second = {2, call};
