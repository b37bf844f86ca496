"""InvoiceGen: synthetic invoices with exact labels, and an extractor trained on them."""

__version__ = "0.1.0"
