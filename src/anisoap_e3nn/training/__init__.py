"""Training runs and linear fits from configuration files; needs the extra ``training``."""
