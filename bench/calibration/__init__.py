"""False alarms and delays of Watchkeeper's rules and its peers on the same streams: ``python -m bench.calibration``."""
