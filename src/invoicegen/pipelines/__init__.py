"""Kedro wiring: thin nodes over the packages beside this one."""
