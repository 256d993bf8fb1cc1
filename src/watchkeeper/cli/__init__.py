"""The command line: one command per public function, results on standard output, everything else on standard error."""
