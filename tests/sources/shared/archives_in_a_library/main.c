//#Archive: libpart.a = shown.c quiet.c unused.c
//#Shared: libx.so = lib.c
//#SharedFlags: libx.so = -Wl,--exclude-libs,libpart.a libpart.a
//#Shared: libwhole.so = whole.c
//#SharedFlags: libwhole.so = -Wl,--whole-archive libpart.a -Wl,--no-whole-archive
//#Link: main.c libx.so
//#Args: $LIB/libwhole.so
//#Flags: -fPIC
//#Stdout: 3
//#Stdout: libx.so: shown no, quiet no, unused no, api yes
//#Stdout: libwhole.so: shown yes, quiet yes, unused yes, api no
// Archives in libraries: what of them is taken, and what of that is exported.
#include <dlfcn.h>
#include <stdio.h>

int api(void);

static void test(const char *name, void *library) {
    const char *symbols[] = {"shown", "quiet", "unused", "api"};
    printf("%s:", name);
    for (int i = 0; i < 4; i++)
        printf(" %s %s%s", symbols[i], dlsym(library, symbols[i]) ? "yes" : "no", i < 3 ? "," : "\n");
}

int main(int argc, char **argv) {
    printf("%d\n", api());
    test("libx.so", dlopen("libx.so", RTLD_NOW | RTLD_NOLOAD));
    test("libwhole.so", dlopen(argv[1], RTLD_NOW));
    return 0;
}
