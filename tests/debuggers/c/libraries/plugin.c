int called_back(int);
int of_plugin(int x) {
    int y = called_back(x);
    return y * 100;
}
