int count();
int sum();
