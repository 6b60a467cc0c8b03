__thread int library_variable = 30;
