"""`python -m sqlports`."""

from sqlports.cli import main

if __name__ == "__main__":
    main()
