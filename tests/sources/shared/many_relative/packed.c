#include "tables.h"
int packed_table(void) { return table(); }
int packed_sparse(void) { return few(); }
