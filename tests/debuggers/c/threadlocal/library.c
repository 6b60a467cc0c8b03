__thread int of_library = 40;
int library(int x) { of_library += x; return of_library; }
