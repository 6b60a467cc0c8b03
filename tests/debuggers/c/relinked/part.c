int of_part(int x) {
    int of_part_local = x + 4;
    return of_part_local;
}
