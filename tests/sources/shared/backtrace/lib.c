void outer(void (*callback)(void)) { callback(); }
