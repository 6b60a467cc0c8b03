int plain(int (*function)(int), int x) { return function(x) + 1; }
