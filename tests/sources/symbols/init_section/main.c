//#Object: fragments.S
//#Modes: pie nopie static
//#Stdout: from .init
//#Stdout: main
//#Stdout: from .fini
// _init and _fini are functions whose pieces come from several objects: crti.o begins them, crtn.o ends them.
// Their pieces have to lie beside each other without any padding between.
#include <unistd.h>

void from_init(void) { write(1, "from .init\n", 11); }
void from_fini(void) { write(1, "from .fini\n", 11); }

int main(void) {
    write(1, "main\n", 5);
    return 0;
}
