"""`python -m combwise` is `combwise`."""

from combwise.main import main

main()
