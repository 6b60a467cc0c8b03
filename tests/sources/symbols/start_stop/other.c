#define ENTRY __attribute__((section("registry"), used))
static int ENTRY four = 4;
static int ENTRY eight = 8;
static int ENTRY sixteen = 16;

extern __attribute__((visibility("hidden"))) int __start_registry[], __stop_registry[];

int bounds_agree(int *start, int *stop) {
    return start == __start_registry && stop == __stop_registry;
}
