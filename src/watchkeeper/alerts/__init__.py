"""From signals to alerts: persistence, one alert per cause, latch and resolve; and the notifiers that send them."""
