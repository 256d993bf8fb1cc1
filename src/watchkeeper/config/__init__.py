"""From ``watchkeeper.yaml`` to frozen specs."""
