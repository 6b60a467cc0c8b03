// A strong definition that takes the place of a weak one, and another user of the inline counter.
#include "parts.h"

static Note note_of_replaced("replaced.cc");
static int before_main = shared_inline_counter();

int replaced() { return 40 + before_main; }
