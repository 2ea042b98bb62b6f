complete --keep-order --exclusive --command mcai --arguments "(COMPLETE=fish mcai -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
