"""Parsers fed with anything at all: by hypothesis with every test run, by atheris for as long as one likes."""
