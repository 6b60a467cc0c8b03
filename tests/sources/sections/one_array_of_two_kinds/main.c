//#Object: entries.c
//#Flags: -fPIE
//#Link: main.c entries.c
//#Modes: pie nopie static
//#Stdout: 3 entries, 2 called
// Entries without relocations are read-only, those with pointers are writable: they are one array all the same.
#include <stdio.h>

struct entry {
    long id;
    void (*call)(void);
};

__attribute__((section("registry"), used)) static const struct entry none = {0, 0};
extern const struct entry __start_registry[], __stop_registry[];

int called;

int main(void) {
    int entries = 0;
    for (const struct entry *entry = __start_registry; entry != __stop_registry; entry++) {
        entries++;
        if (entry->call) {
            entry->call();
        }
    }
    printf("%d entries, %d called\n", entries, called);
    return 0;
}
