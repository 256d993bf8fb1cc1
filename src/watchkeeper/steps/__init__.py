"""Summarise, assess, judge and respond: the four pure steps, put in order."""
