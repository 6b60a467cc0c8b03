__thread int own = 1;
