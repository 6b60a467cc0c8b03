int needed(void) { return 1; }
int present(void) { return 5; }
int present_variable = 6;
