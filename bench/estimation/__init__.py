"""Estimated against realised performance, beside NannyML."""
