extern __thread int own, library_variable;
static __thread int local = 12;
int user_own(void) { return own++; }
int user_local(void) { return local++; }
int user_library(void) { return library_variable++; }
