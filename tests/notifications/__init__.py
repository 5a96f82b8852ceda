"""Notifications of approvals."""
