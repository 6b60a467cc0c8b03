int one(int x) {
    int local = x + 1;
    return local;
}
