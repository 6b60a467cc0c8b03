/* A little of everything that a compiler likes: loops, recursion, switches, tables, floating point. */
struct node { struct node *left, *right; int key; double weight; };

static const unsigned char steps[16] = {1, 2, 4, 2, 4, 2, 4, 6, 2, 6, 1, 3, 5, 7, 11, 13};

int primes_below(int limit) {
    int found = 0;
    for (int n = 2; n < limit; n++) {
        int prime = 1;
        for (int d = 2; d * d <= n && prime; d += steps[d & 15])
            prime = n % d != 0;
        found += prime;
    }
    return found;
}

void blur(float *restrict to, const float *restrict from, int n) {
    for (int i = 1; i + 1 < n; i++)
        to[i] = 0.25f * from[i - 1] + 0.5f * from[i] + 0.25f * from[i + 1];
}

double total(const struct node *at) {
    return at ? at->weight + total(at->left) + total(at->right) : 0.0;
}

struct node *find(struct node *at, int key) {
    while (at && at->key != key)
        at = key < at->key ? at->left : at->right;
    return at;
}

int evaluate(const char *program, const int *input) {
    int stack[32], depth = 0;
    for (;; program++) {
        switch (*program) {
        case '+': depth--; stack[depth - 1] += stack[depth]; break;
        case '-': depth--; stack[depth - 1] -= stack[depth]; break;
        case '*': depth--; stack[depth - 1] *= stack[depth]; break;
        case '/': depth--; stack[depth - 1] /= stack[depth] ? stack[depth] : 1; break;
        case '?': depth -= 2; stack[depth - 1] = stack[depth - 1] ? stack[depth] : stack[depth + 1]; break;
        case '.': return stack[depth - 1];
        default: stack[depth++] = input[*program & 7]; break;
        }
        if (depth < 1 || depth > 31)
            return -1;
    }
}

int main(void) {
    int input[8] = {3, 1, 4, 1, 5, 9, 2, 6};
    struct node leaf = {0, 0, 7, 2.5}, root = {&leaf, 0, 9, 1.5};
    float a[64], b[64];
    for (int i = 0; i < 64; i++)
        a[i] = (float)(i * i % 17);
    blur(b, a, 64);
    return primes_below(1000) + evaluate("01+2*.", input) + (int)total(&root) + (find(&root, 7) == &leaf) + (int)b[5];
}
