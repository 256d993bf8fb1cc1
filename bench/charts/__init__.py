"""How often charts raise a false alarm, and how often they see a shift, in the situations that metrics bring."""
