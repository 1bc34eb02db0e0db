"""``python -m chainrule.book``."""

from .prompt import main

if __name__ == "__main__":
    main()
