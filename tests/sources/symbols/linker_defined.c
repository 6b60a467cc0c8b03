//#Modes: pie nopie static
//#Stdout: text before its end: yes
//#Stdout: data before its end: yes
//#Stdout: bss begins after data: yes
//#Stdout: end is the end of bss: yes
//#Stdout: the header is ELF: yes
// Symbols that no object defines.
#include <stdio.h>
#include <string.h>

extern char etext[], edata[], end[], _etext[], _edata[], _end[], __bss_start[], __ehdr_start[];
char initialised[100] = "data";
char zero[100000];

int main(void) {
    printf("text before its end: %s\n", (char *)main < etext && etext == _etext ? "yes" : "no");
    printf("data before its end: %s\n",
           initialised + sizeof initialised <= edata && edata == _edata ? "yes" : "no");
    printf("bss begins after data: %s\n",
           __bss_start >= edata && zero >= __bss_start ? "yes" : "no");
    printf("end is the end of bss: %s\n", zero + sizeof zero <= end && end == _end ? "yes" : "no");
    printf("the header is ELF: %s\n", memcmp(__ehdr_start, "\177ELF", 4) ? "no" : "yes");
    return 0;
}
