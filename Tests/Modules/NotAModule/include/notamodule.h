// Nothing: the module is reached through dlsym only. The package manager wants a header to look at.
