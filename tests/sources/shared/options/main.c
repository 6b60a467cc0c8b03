//#Shared: libo.so = lib.c
//#FileFlags: lib.c = -ffunction-sections -fdata-sections
//#SharedFlags: libo.so = -Wl,--defsym,alias=function -Wl,--wrap=wrapped -Wl,--gc-sections -Wl,-z,relro -Wl,-z,noexecstack -Wl,--build-id -Wl,-O1 -Wl,--sort-common
//#Link: main.c libo.so
//#Stdout: alias 1, one address: yes
//#Stdout: wrapped 12
//#Stdout: kept though nobody refers to it: yes
//#Stdout: common 0, strong alias 5 weak alias 5
// Options that change symbols, for a library.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

int function(void), alias(void), call_wrapped(void), strong_alias(void), weak_alias(void);
extern int common;

int main(void) {
    printf("alias %d, one address: %s\n", alias(), dlsym(RTLD_DEFAULT, "alias") == dlsym(RTLD_DEFAULT, "function") ? "yes" : "no");
    printf("wrapped %d\n", call_wrapped());
    printf("kept though nobody refers to it: %s\n", dlsym(RTLD_DEFAULT, "kept") ? "yes" : "no");
    printf("common %d, strong alias %d weak alias %d\n", common, strong_alias(), weak_alias());
    return 0;
}
