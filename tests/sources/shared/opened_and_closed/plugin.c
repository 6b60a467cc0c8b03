#include <stdio.h>
#include <stdlib.h>

static char name[32];
static int counter;
__attribute__((aligned(4096))) static int own(void) { return counter; }
int count(void) { return ++counter + own() * 0; }
void *address_of_static(void) { return (char *)own; }
__attribute__((constructor)) static void open(void) {
    snprintf(name, sizeof name, "%s", getenv("PLUGIN"));
    printf("%s opens\n", name);
}
__attribute__((destructor)) static void close(void) { printf("%s closes\n", name); }
