"""The documentation's pages, and the programs that generate some of them from the code."""
