#: Shows: Catchpoint 1 (load)
#: Shows: Inferior loaded
#: Shows: libplugin.so
catch load plugin
catch unload plugin
run
bt -frame-arguments none 3
info sharedlibrary
continue
info sharedlibrary
continue
