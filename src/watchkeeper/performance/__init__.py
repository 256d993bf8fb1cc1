"""Performance, realised and estimated: one metric or estimator per class, from states alone."""
