__thread int gd_variable = 100, gd_second = 200, ie_variable = 300, le_variable = 400;
