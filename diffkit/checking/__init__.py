"""Checks of derivatives that somebody claims."""
