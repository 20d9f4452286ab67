"""Fitted scikit-learn models as steps of plain numbers."""
