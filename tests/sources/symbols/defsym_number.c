//#LinkFlags: -Wl,--defsym=answer=(1K>>5)+10 -Wl,--defsym=other=42|1
//#LinkFlags: -Wl,--defsym=more=answer+0x10
//#Modes: nopie static
//#Stdout: 42 43 58
// Numbers that the command line defines.
#include <stdio.h>

extern char answer[], other[], more[];

int main(void) {
    printf("%d %d %d\n", (int)(long)answer, (int)(long)other, (int)(long)more);
    return 0;
}
