"""The flights of 2013 as a story: a real model meets a real year, and is watched and kept through it."""
