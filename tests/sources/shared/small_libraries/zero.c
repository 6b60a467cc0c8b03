static int zeroes[100000000];
int *zero(long index) { return zeroes + index; }
