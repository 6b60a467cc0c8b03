//#Flags: -O1
//#Modes: pie nopie static static-pie
//#Compiler: gcc clang
//#Stdout: called: chosen 5
//#Stdout: by pointer in data: chosen 6
//#Stdout: by pointer in read-only data: chosen 7
//#Stdout: pointers in data are equal: yes
// An indirect function is chosen at start-up. In a PIE made by GNU ld, a pointer in data and an address
// computed by code may differ, so only pointers of one kind are compared.
#include <stdio.h>

static int chosen(int x) { return x; }
static int rejected(int x) { return -x; }
static int (*resolve(void))(int) { return &chosen != 0 ? chosen : rejected; }
int function(int) __attribute__((ifunc("resolve")));

static int (*volatile in_data)(int) = function;
static int (*const in_constant)(int) = function;

int main(void) {
    int (*const volatile *constant)(int) = &in_constant;
    printf("called: chosen %d\n", function(5));
    printf("by pointer in data: chosen %d\n", in_data(6));
    printf("by pointer in read-only data: chosen %d\n", (*constant)(7));
    printf("pointers in data are equal: %s\n", in_data == *constant ? "yes" : "no");
    return 0;
}
