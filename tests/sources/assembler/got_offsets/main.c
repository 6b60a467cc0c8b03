//#Object: offsets.S
//#Shared: libgot.so = library.c
//#Modes: pie nopie
//#Stdout: GOTPC64 and GOTOFF64 find data: 33
//#Stdout: GOTPC32 agrees with GOTPC64: yes
//#Stdout: GOT64 finds the library's variable: 44
//#Stdout: GOTPCREL64 finds the library's variable: 44
//#Stdout: PLTOFF64 calls the library: 55
//#Stdout: PLT32 calls the library: 55
// The relocations of the large code model: everything relative to the GOT, in 64 bits.
#include <stdio.h>

long read_gotoff(void), read_got64(void), read_gotpcrel64(void);
long call_pltoff(void), call_plt32(void), bases_agree(void);

int main(void) {
    printf("GOTPC64 and GOTOFF64 find data: %ld\n", read_gotoff());
    printf("GOTPC32 agrees with GOTPC64: %s\n", bases_agree() ? "yes" : "no");
    printf("GOT64 finds the library's variable: %ld\n", read_got64());
    printf("GOTPCREL64 finds the library's variable: %ld\n", read_gotpcrel64());
    printf("PLTOFF64 calls the library: %ld\n", call_pltoff());
    printf("PLT32 calls the library: %ld\n", call_plt32());
    return 0;
}
