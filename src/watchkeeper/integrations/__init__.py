"""What other packages bring: one module and one extra each, found through entry points and imported by nobody."""
