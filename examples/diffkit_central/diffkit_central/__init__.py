"""What a package can add to diffkit: a backend, a function of the table, a format of reports; each in a module."""
