"""The door of the sandbox: the page where a person enters a device code, the sandbox's
Power Apps.
"""
