"""TemplateRegistry and OfferBook in Python: templates, offers, demands, what suits what."""
