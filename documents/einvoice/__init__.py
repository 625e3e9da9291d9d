"""Reads e-invoices: UBL and CII, on their own or inside a PDF. Plain Python, for a process with limits."""
