#: Shows: rust_panic
#: Shows: main::deep::fails
#: Shows: main::middle
#: Shows: index=5
#: Shows: main::deep::fails
#: Shows: exited normally
#: Ignore: thread 'main' \(\d+\) panicked
break rust_panic
run
bt
frame function main::deep::fails
info args
up
info locals
break main::deep::fails
continue
bt
finish
continue
