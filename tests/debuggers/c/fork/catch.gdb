#: Shows: Catchpoint 1 (forked process ID
#: Shows: main (argc=...
#: Shows: Catchpoint 2 (call to syscall exit_group)
catch fork
catch syscall exit_group
run
bt -frame-arguments none
continue
bt -frame-arguments none
continue
