"""Telling people that an approval waits: by a webhook (Teams, Slack, JSON) and by mail."""
