extern __thread int library_variable;
int from_pic_code(void) { return library_variable++; }
