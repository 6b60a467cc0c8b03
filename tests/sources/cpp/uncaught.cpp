//#Modes: pie nopie
//#StderrHas: terminate called after throwing an instance of 'std::runtime_error'
//#StderrHas: nobody catches this
//#Signal: 6
#include <stdexcept>

int main() { throw std::runtime_error("nobody catches this"); }
