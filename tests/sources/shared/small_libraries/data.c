int number = 1;
const char text[] = "text";
