int isolated_run(int (*callback)(int), int value) { return callback(value); }
