//#LinkFlags: -Wl,-O1 -Wl,--hash-style=gnu -Wl,--sort-common -Wl,--no-undefined -Wl,--enable-new-dtags
//#LinkFlags: -Wl,--eh-frame-hdr -Wl,-z,separate-code -Wl,-z,relro -Wl,-z,noexecstack -Wl,-z,defs
//#LinkFlags: -Wl,--no-copy-dt-needed-entries -Wl,--exclude-libs,ALL -Wl,--warn-common -Wl,--fatal-warnings
//#LinkFlags: -Wl,--build-id=none -Wl,--no-allow-shlib-undefined -Wl,--compress-debug-sections=none
//#LinkFlags: -Wl,-z,max-page-size=4096 -Wl,-z,common-page-size=4096 -Wl,-z,nodelete -Wl,--no-gc-sections
//#LinkFlags: -Wl,--sort-section=name
//#Stdout: options are fine
// Options that ordinary builds pass, of which most do not matter to a lazy linker.
#include <stdio.h>

int main(void) {
    puts("options are fine");
    return 0;
}
