"""Entry point of the command ``anisoap-e3nn``, apart from the package whose imports take seconds."""

import signal


def main() -> int:
    """Import the package and run its command line; Ctrl-C ends the import without a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the command line handles it
    from anisoap_e3nn import cli

    return cli.main()
