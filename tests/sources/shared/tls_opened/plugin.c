__thread int initial = 7;
static __thread int zero;
static __thread char big[100000];
void count(int *a, int *b) {
    *a = initial++;
    *b = zero++;
    big[sizeof big - 1] = 1;
}
