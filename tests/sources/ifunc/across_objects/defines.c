int resolver_calls;
static int implementation(void) { return 10; }
static int (*resolve(void))(void) {
    resolver_calls++;
    return implementation;
}
int function(void) __attribute__((ifunc("resolve")));
