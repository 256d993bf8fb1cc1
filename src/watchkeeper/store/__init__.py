"""The stores: Delta tables and a SQL database for work, memory for trials."""
