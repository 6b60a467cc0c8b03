int counter;
char buffer[100000];
int initialised = 7;

void count(void) { counter += 3; }

int buffer_is_zero(void) {
    for (unsigned i = 0; i < sizeof buffer; i++)
        if (buffer[i])
            return 0;
    return 1;
}
