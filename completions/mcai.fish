complete --keep-order --exclusive --command mcai --arguments "(MCAI_COMPLETE=fish mcai -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
