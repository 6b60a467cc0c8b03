__thread int of_part = 30;
