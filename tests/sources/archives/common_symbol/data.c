int value = 77;
