"""What an invoice is, which labels exist, and the records that travel between stages."""
