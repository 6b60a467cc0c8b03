struct node { int value; struct node *next; };
static int deep(struct node *node) { return node->next->value; }
int in_other(int x, struct node *node) { return deep(node) + x; }
