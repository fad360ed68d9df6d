"""Runs the office's processes on one machine: web, worker and beat, started and stopped as one."""
