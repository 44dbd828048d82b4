"""Tests of FirstFive."""
