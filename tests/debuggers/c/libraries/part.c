extern int part_counter;
int called_back(int);
static int helper(int x) {
    int y = called_back(x);
    return y * 2;
}
int of_part(int x) {
    part_counter++;
    return helper(x);
}
