"""Nothing here is collected but the test: the package is installed by it, and the script run by it."""

collect_ignore = ["springs", "use_springs.py"]
