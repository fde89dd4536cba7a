"""Programs into programs: derivatives, forms without cancellation, domains, and the bridge to SymPy."""
