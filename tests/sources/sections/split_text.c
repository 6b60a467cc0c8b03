//#Flags: -O2 -ffunction-sections -freorder-functions
//#Modes: pie nopie static
//#Stdout: hot 3 cold 4 unlikely 5 startup 6 custom 7
// Sections that compilers split off .text, and one with a name of its own.
#include <stdio.h>

__attribute__((hot, noinline)) int hot(int x) { return x + 2; }
__attribute__((cold, noinline)) int cold(int x) { return x + 3; }
__attribute__((section(".text.unlikely.mine"), noinline)) int unlikely(int x) { return x + 4; }
__attribute__((section(".text.startup.mine"), noinline)) int startup(int x) { return x + 5; }
__attribute__((section("custom_code"), noinline)) int custom(int x) { return x + 6; }

int main(int argc, char **argv) {
    printf("hot %d cold %d unlikely %d startup %d custom %d\n", hot(argc), cold(argc),
           unlikely(argc), startup(argc), custom(argc));
    return 0;
}
