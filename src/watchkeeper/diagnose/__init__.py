"""From an alert to ranked causes, and from a prediction to what it rests on."""
