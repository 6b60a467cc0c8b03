struct pair { int left, right; };
int of_part_counter = 6;
int of_part(struct pair *pair, int x) {
    int local = x * 10;
    pair->right += local;
    return local + of_part_counter++;
}
