#: Shows: Catchpoint 1 (throw)
#: Shows: Catchpoint 1 (exception thrown)
#: Shows: deeper (depth=2)
#: Shows: Catchpoint 2 (exception caught)
#: Shows: catcher (depth=2)
#: Shows: Breakpoint 3, Guard::~Guard
#: Shows: exited normally
catch throw
catch catch
run
bt
up
info locals
continue
bt
break Guard::~Guard
continue
bt
continue
bt
print cleaned
delete
continue
