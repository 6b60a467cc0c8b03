void in_archive(void) {}
