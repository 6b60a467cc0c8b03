static int hidden(int x) { return x * 2; }
int two(int x) { return hidden(x) + 2; }
