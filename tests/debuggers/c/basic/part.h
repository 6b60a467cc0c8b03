int of_part(int x);
extern int of_part_calls;
