"""`python -m sqlports`."""

from sqlports.start import main

if __name__ == "__main__":
    main()
