//#Shared: deep/libleaf.so = leaf.c
//#SharedFlags: deep/libleaf.so = -Wl,-soname,libleaf.so
//#Shared: deep/libmiddle.so = middle.c
//#SharedFlags: deep/libmiddle.so = -Wl,-soname,libmiddle.so -Wl,--disable-new-dtags deep/libleaf.so
//#Shared: librpath.so = top.c
//#SharedFlags: librpath.so = -Wl,--disable-new-dtags '-Wl,-rpath,$ORIGIN/deep' -L$LIB/deep -lmiddle -Wl,-rpath-link,$LIB/deep
//#Shared: plugins/libinner.so = inner.c
//#SharedFlags: plugins/libinner.so = -Wl,-soname,libinner.so
//#Shared: librunpath.so = outer.c
//#SharedFlags: librunpath.so = '-Wl,-rpath,$ORIGIN/plugins' plugins/libinner.so
//#Link: main.c librpath.so librunpath.so
//#LinkFlags: -Wl,-rpath-link,$LIB/deep:$LIB/plugins
//#Stdout: leaf, through an inherited DT_RPATH
//#Stdout: inner, through DT_RUNPATH
// Libraries find theirs beside themselves: DT_RPATH serves the libraries of libraries too, DT_RUNPATH does not.
#include <stdio.h>

const char *top(void), *outer(void);

int main(void) {
    printf("%s, through an inherited DT_RPATH\n", top());
    printf("%s, through DT_RUNPATH\n", outer());
    return 0;
}
