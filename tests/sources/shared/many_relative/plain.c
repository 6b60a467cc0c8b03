#include "tables.h"
int plain_table(void) { return table(); }
int plain_sparse(void) { return few(); }
