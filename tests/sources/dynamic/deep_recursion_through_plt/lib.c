int program(int);
int library(int depth) { return depth == 0 ? 0 : program(depth - 1) + 1; }
