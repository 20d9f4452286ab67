"""Tests of Edgemark; see README.md."""
