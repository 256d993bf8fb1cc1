"""Charts on real operational series with labelled anomalies, beside other detectors."""
